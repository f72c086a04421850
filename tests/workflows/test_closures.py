"""An organization of any size is closed in one action, and nothing of it goes on."""

import pytest
from plans import statements
from racing import nothing_is_wrong
from sqlalchemy import func

from web import crowd
from workers import clock
from workflows import closures, errands, gate, seats
from workflows.engine import tallies
from workflows.engine.db import db, now
from workflows.engine.history import Action
from workflows.engine.letters import Letter
from workflows.engine.refusals import NotFound
from workflows.memberships import Membership
from workflows.places import Place
from workflows.tokens import Token
from workflows.verdicts import Verdict


@pytest.fixture
def ann(cast, settings):
    for limit in ("organizations", "invitations", "recipient", "letters"):
        setattr(settings, f"limit_{limit}", "100000/1d")
    return cast.account("Ann")


def town(cast, ann, name, people):
    """An organization of so many people in every state, seats for two thirds of them."""
    made = cast.organization(ann, name, seats=people * 2 // 3 + 2)
    crowd.gather(made, people, f"{name.lower()}.test", by=ann)
    return made


def number(kind, *which):
    return db.session.scalar(db.select(func.count()).select_from(kind).where(*which))


def test_an_organization_of_hundreds_is_closed_in_as_many_statements_as_a_small_one(cast, ann):
    small, large = town(cast, ann, "Small", 27), town(cast, ann, "Large", 540)
    cast.deliver()

    few, many = (statements(closures.close, one, one.slug, by=ann) for one in (small, large))

    assert many == few
    assert db.session.scalars(
        db.select(Action.event).filter_by(organization_id=large.id).order_by(Action.id.desc())
    ).first() == "closures.close"  # fmt: skip
    assert number(Action, Action.event == "closures.close", Action.organization_id == large.id) == 1
    assert number(Token, Token.organization_id == large.id, Token.state != "revoked") == 0
    works = Verdict.ends_at.is_(None) | (Verdict.ends_at > now())
    assert number(Verdict, Verdict.organization_id == large.id, works) == 0
    assert gate.recheck() == 0
    assert seats.count(large) == seats.Count(0, 0)
    assert not any(tallies.of(large.id).values())
    assert nothing_is_wrong()


def test_its_tokens_are_refused_right_after_and_its_letters_leave_behind_it(cast, ann, settings):
    large = town(cast, ann, "Large", 270)
    bob = cast.seated(large, "Bob", ann)
    secret = cast.secret(bob)
    cast.deliver()
    assert gate.judge(secret).passes

    closures.close(large, large.slug, by=ann)

    judged = gate.judge(secret)
    assert (judged.status, judged.reason) == (403, "organization_closed")
    members = number(Membership, Membership.organization_id == large.id, Membership.active)
    owed = number(Letter, Letter.template == "organization_closed", Letter.state == "pending")
    assert owed == members > 200
    told = cast.deliver()
    closed = [one.to for one in told if one.template == "organization_closed"]
    assert len(closed) == len(set(closed)) == members
    assert {one.template for one in told} <= {"organization_closed", "invitation_revoked"}


def test_what_was_under_way_for_many_stops(cast, ann, monkeypatch):
    monkeypatch.setattr(errands, "TOGETHER", 2)
    acme = cast.organization(ann, seats=9)
    people = [cast.member(acme, f"Person{number}", ann) for number in range(6)]
    begun, planned = (
        errands.prepare(acme, deed, [(one.id, None) for one in people], by=ann)
        for deed in ("assign", "line-up")
    )
    errands.begin(begun, by=ann)
    assert errands.go_on()

    closures.close(acme, "acme", by=ann)
    clock.run_errands()

    assert begun.state == "stopped"
    with pytest.raises(NotFound):
        errands.begin(planned, by=ann)
    assert not any(seats.of(one) for one in people)
    assert number(Place) == 0
    assert nothing_is_wrong()
