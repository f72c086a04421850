"""The command line: the demo, operators, and the doctor."""

import pytest
from click.testing import CliRunner

from web import cli, demo, doctor
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


def test_an_operator_may_be_one_who_only_looks_and_one_no_more(usher, cast):
    ada = cast.account("Ada")

    said = usher("operator", "add", "--read-only", ada.email).output
    assert "may read the status page now" in said
    assert (ada.operator, ada.acting) == (True, False)
    usher("operator", "add", ada.email)
    assert (ada.operator, ada.acting) == (True, True)
    usher("operator", "remove", ada.email)
    assert (ada.operator, ada.acting) == (False, False)
    assert isinstance(usher("operator", "remove", ada.email).exception, NotNow)


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


def test_the_doctor_finds_a_key_that_mailed_tokens_need(usher, cast, settings):
    ann = cast.account("Ann")
    organization = cast.organization(ann, seats=1)
    cast.secret(cast.seated(organization, "Bo", by=ann))
    assert "ok  key 0" in usher("doctor").output

    settings.secret_key = "another key for tests, long enough to be one"
    other = usher("doctor")
    settings.token_keys = "1=another key for tests, long enough to be one"
    missing = usher("doctor")

    assert "Key 0 is another than tokens were mailed with" in other.output
    assert "TOKEN_KEYS has no key 0, which mailed tokens need." in missing.output
    assert other.exit_code == missing.exit_code == 1


def test_the_doctor_finds_a_database_that_others_can_read(usher, settings):
    file = settings.usher_home / "usher.db"
    file.chmod(0o644)
    open_to_all = usher("doctor").output
    file.chmod(0o600)

    assert f"chmod 600 {file}" in open_to_all
    assert "chmod 600" not in usher("doctor").output


def test_a_look_that_breaks_leaves_the_others_their_turn(usher, monkeypatch):
    def breaks(settings):
        raise RuntimeError("secret")

    monkeypatch.setattr("web.doctor.LOOKS", [breaks, lambda _: iter([doctor.Finding("last")])])

    said = usher("doctor").output

    assert "breaks          It could not be looked at: RuntimeError." in said
    assert "ok  last" in said
