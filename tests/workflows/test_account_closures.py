"""Closing an account: all it had ends in one moment, and nothing tells who it was."""

import pytest
from people import PASSWORD
from racing import nothing_is_wrong

from workflows import (
    acceptances,
    account_closures,
    accounts,
    address_changes,
    arrivals,
    closures,
    directories,
    errands,
    gate,
    handovers,
    invitations,
    memberships,
    resets,
    roles,
    seats,
    sessions,
    tokens,
)
from workflows.engine import history
from workflows.engine.db import Base, db
from workflows.engine.refusals import Invalid, NotNow
from workflows.invitations import Invitation


@pytest.fixture
def acme(cast, ann):
    return cast.organization(ann, seats=2)


@pytest.fixture
def bo(cast, acme, ann):
    return cast.seated(acme, "Bo", ann)


def everything():
    """Every word that stands in any table."""
    tables = Base.metadata.tables.values()
    return str([db.session.execute(db.select(table)).all() for table in tables])


def test_membership_seat_token_and_log_in_end_together(cast, acme, bo):
    secret, person = cast.secret(bo), bo.account
    sessions.open_session(person)

    account_closures.close(by=person)

    assert (bo.state, person.state) == ("left", "closed")
    assert gate.judge(secret).reason == "member_gone"
    assert seats.count(acme).free == 2
    assert sessions.of_account(person) == []
    with pytest.raises(Invalid):
        accounts.check("bo@acme.test", PASSWORD)
    assert nothing_is_wrong()


def test_nothing_that_is_left_tells_who_it_was(cast, acme, ann):
    accounts.sign_up("Zebulon", "zebulon@acme.test", "the password of another")
    person = cast.seated(acme, "Zebulon", ann).account
    resets.ask_reset("zebulon@acme.test")
    address_changes.ask(person, "zebulon@else.test")
    cast.deliver()
    address_changes.confirm(address_changes.asked_by(person), by=person)
    address_changes.ask(person, "zebulon@third.test")

    account_closures.close(by=person)

    assert "zebulon" not in everything().lower()
    assert person.name == "Closed account"


def test_the_history_stays_and_points_at_the_same_row(acme, ann, bo):
    before = [step.id for step in history.history(bo)]

    account_closures.close(by=bo.account)

    steps = history.history(bo)
    assert [step.id for step in steps][: len(before)] == before
    assert (steps[-1].event, steps[-1].action.by.name) == ("vanish", "Closed account")


def test_letters_that_wait_are_sent_to_nobody(cast, ann, acme, bo):
    roles.make_admin(bo, by=ann)
    asked = cast.invitation(acme, "ed@acme.test", bo.account)
    seats.revoke(bo, by=ann)
    resets.ask_reset("bo@acme.test")

    account_closures.close(by=bo.account)

    letters = cast.deliver()
    assert "bo@acme.test" not in {letter.to for letter in letters}
    [invitation] = [one for one in letters if one.to == "ed@acme.test"]
    assert invitation.facts["inviter_name"] == "Ann"
    assert asked.inviter == invitations.who_hears(asked) == ann


def test_the_address_may_sign_up_anew_as_somebody_else(cast, acme, bo):
    before = bo.account
    account_closures.close(by=before)

    again = cast.account("Bo")

    assert again.id != before.id
    assert memberships.of(again, acme) is None


def test_an_owner_is_told_to_hand_over_first(cast, ann, acme):
    with pytest.raises(NotNow, match="You own “Acme”, and an organization always has an owner"):
        account_closures.close(by=ann)

    cast.organization(ann, "Bolt")
    with pytest.raises(NotNow, match="You own “Acme” and 1 more"):
        account_closures.close(by=ann)
    assert ann.state == "active"


def test_an_owner_who_handed_over_or_closed_may_go(cast, ann, acme, bo):
    bolt = cast.organization(ann, "Bolt")
    roles.make_admin(bo, by=ann)
    handovers.accept(handovers.offer(bo, by=ann), by=bo.account)
    closures.close(bolt, "bolt", by=ann)

    account_closures.close(by=ann)

    assert ann.state == "closed"
    assert bolt.owner.account == ann  # it keeps its owner, for its history
    assert memberships.of(ann, acme) is None
    assert nothing_is_wrong()


def test_an_admin_may_go_and_an_offer_of_ownership_falls_through(cast, ann, acme, bo):
    roles.make_admin(bo, by=ann)
    offer = handovers.offer(bo, by=ann)
    cast.deliver()

    account_closures.close(by=bo.account)

    assert offer.state == "canceled"
    assert [(one.template, one.to) for one in cast.deliver()] == [
        ("handover_fell_through", "ann@acme.test")
    ]


def test_whoever_waits_for_a_seat_waits_no_more(cast, ann, acme):
    di = cast.member(acme, "Di", ann)
    invitation = acceptances.of(di)

    account_closures.close(by=di.account)

    assert invitation.state == "closed"
    assert directories.number_of_members(acme) == 1


def test_what_they_began_with_many_goes_no_further(cast, ann, acme, bo, monkeypatch):
    monkeypatch.setattr(errands, "TOGETHER", 1)
    roles.make_admin(bo, by=ann)
    whom = [(cast.member(acme, name, ann).id, None) for name in ("Cy", "Di")]
    errand = errands.prepare(acme, "remove", whom, by=bo.account)
    errands.begin(errand, by=bo.account)

    account_closures.close(by=bo.account)
    errands.go_on()

    assert errand.state == "stopped"
    assert directories.number_of_members(acme) == 3


def test_a_closed_account_can_do_and_get_nothing(cast, ann, acme, bo):
    person = bo.account
    asked = cast.invitation(cast.organization(ann, "Bolt"), "x@acme.test", ann)
    account_closures.close(by=person)

    for attempt in (
        lambda: account_closures.close(by=person),
        lambda: cast.organization(person, "Cargo"),
        lambda: arrivals.accept(asked, by=person),
        lambda: address_changes.remember("x@y.test", "x@y.test", by=person),
    ):
        with pytest.raises(NotNow, match="account is closed"):
            attempt()


def test_other_invitations_keep_their_address(cast, ann, acme, bo):
    cast.invitation(acme, "ed@acme.test", ann)

    account_closures.close(by=bo.account)

    addresses = set(db.session.scalars(db.select(Invitation.email)))
    assert addresses == {"Closed account", "ed@acme.test"}
    assert tokens.of(bo) is None
