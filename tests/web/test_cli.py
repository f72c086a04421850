"""The command line: the demo, operators, and the doctor."""

import pytest
from click.testing import CliRunner

from web import cli, demo
from workflows import accounts
from workflows.engine.db import db
from workflows.engine.outbox import Letter
from workflows.engine.refusals import NotNow
from workflows.invitations import Invitation
from workflows.tokens import Token


@pytest.fixture
def usher(app):
    def run(*words):
        return CliRunner().invoke(cli.usher, words)

    return run


def states(row):
    return set(db.session.scalars(db.select(row.state)))


def test_the_demo_has_people_in_every_state_and_log_ins_that_work(usher):
    said = usher("demo").output

    assert states(Invitation) == {
        "sent", "accepted", "seated", "declined", "revoked", "expired", "closed",
    }  # fmt: skip
    assert states(Token) == {"inactive", "active", "reissued", "revoked"}
    for name in demo.LOG_INS:
        assert demo.address(name) in said
        assert accounts.check(demo.address(name), demo.PASSWORD).name == name


def test_the_demo_twice_is_the_same_as_once(usher):
    usher("demo")
    before = db.session.scalar(db.select(db.func.count(Letter.id)))

    said = usher("demo").output

    assert "is here already" in said
    assert db.session.scalar(db.select(db.func.count(Letter.id))) == before


def test_an_operator_is_made_of_an_account(usher, cast):
    ada = cast.account("Ada")

    said = usher("operator", "add", ada.email).output

    assert said == "Ada <ada@acme.test> is an operator now.\n"
    assert ada.operator


def test_nobody_becomes_an_operator_without_an_account(usher):
    assert isinstance(usher("operator", "add", "ada@acme.test").exception, NotNow)


def test_the_doctor_finds_letters_that_nobody_carries(usher, cast):
    cast.account("Ada")
    late = accounts.sign_up("Ben", "ben@acme.test", "a password to test with")
    db.session.execute(db.update(Letter).values(due_at=late.since.replace(year=2020)))
    db.session.commit()

    answer = usher("doctor")

    assert answer.exit_code == 1
    assert "Is Usher (worker, clock) running?" in answer.output
