"""Whose mail server refuses letters for good, and organizations of which nobody can be reached."""

import pytest
from ailing import refuse_all
from people import PASSWORD

from workflows import (
    account_closures,
    accounts,
    address_changes,
    ailments,
    bounces,
    closures,
    inquiries,
    operators,
    resets,
    roles,
    sessions,
)
from workflows.bounces import Bounce
from workflows.engine.db import db
from workflows.engine.refusals import NotAllowed, NotFound, NotNow
from workflows.sessions import Session
from workflows.stuck import BY_NAME


def bounce(cast, *people):
    """The next letter to each of these is refused for good, and no other letter."""
    cast.deliver()
    for person in people:
        resets.ask_reset(person.email)
    refuse_all()


def known():
    return set(db.session.scalars(db.select(Bounce.account_id)))


def listed():
    return [one.row_id for one in ailments.listed(BY_NAME["organization-unreachable"])]


def test_a_refused_letter_is_known_of_its_account_and_nothing_of_a_stranger(cast, acme, ann):
    bounce(cast, ann)
    [first] = bounces.of([ann.id]).values()
    cast.invitation(acme, "nobody@acme.test", by=ann)
    accounts.sign_up("New", "new@acme.test", PASSWORD)
    refuse_all()

    assert known() == {ann.id}
    assert first.cause == "550 5.1.1 No such mailbox (acme.test)"


def taken(cast, ann):
    accounts.sign_up("Ann", ann.email, PASSWORD)
    cast.deliver()


def logged_in(cast, ann):
    sessions.open_session(ann)


def seen(cast, ann):
    sessions._touch(db.session.scalars(db.select(Session)).one())


def moved(cast, ann):
    address_changes.ask(ann, "ann@else.test")
    address_changes.confirm(address_changes.asked_by(ann), by=ann)


@pytest.mark.parametrize("comes_back", [taken, logged_in, seen, moved])
def test_it_is_forgotten_once_the_person_can_be_reached(cast, acme, ann, comes_back):
    sessions.open_session(ann)
    bounce(cast, ann)
    assert listed() == [acme.id]

    comes_back(cast, ann)

    assert known() == set()
    assert listed() == []


def test_of_a_closed_account_nothing_is_kept(cast):
    bo = cast.account("Bo")
    bounce(cast, bo)

    account_closures.close(by=bo)

    assert known() == set()


def test_an_organization_is_listed_when_every_admin_is_out_of_reach(cast, acme, ann):
    bo, cy = (cast.member(acme, name, by=ann) for name in ("Bo", "Cy"))
    roles.make_admin(bo, by=ann)
    other = cast.organization(bo.account, "Other")

    bounce(cast, ann)
    assert listed() == []
    bounce(cast, bo.account)
    assert listed() == [acme.id, other.id]
    roles.make_admin(cy, by=ann)
    assert listed() == [other.id]
    closures.close(other, other.slug, by=bo.account)

    assert listed() == []


def test_it_is_so_since_the_last_of_them_was_refused(cast, acme, ann, settings):
    bo = cast.member(acme, "Bo", by=ann)
    roles.make_admin(bo, by=ann)
    bounce(cast, ann)
    settings.clock_offset = 3600.0
    bounce(cast, bo.account)

    [one] = ailments.listed(BY_NAME["organization-unreachable"])

    assert one.since == bounces.of([bo.account_id])[bo.account_id].at


def test_admins_are_written_to_only_where_none_is_reached_and_by_operators(cast, acme, ann, marta):
    with pytest.raises(NotNow, match="can be reached"):
        operators.act(inquiries.inquire, acme, by=marta, why="to see")
    bounce(cast, ann)
    with pytest.raises(NotFound):
        inquiries.inquire(acme, by=ann)
    with pytest.raises(NotAllowed):
        inquiries.inquire(acme, by=marta)

    operators.act(inquiries.inquire, acme, by=marta, why="The server is mended")
    [letter] = cast.deliver()

    assert (letter.to, letter.template) == ("ann@acme.test", "letters_came_back")
    assert listed() == []


def test_a_letter_to_somebody_who_is_no_admin_any_more_is_not_sent(cast, acme, ann, marta):
    bo = cast.member(acme, "Bo", by=ann)
    roles.make_admin(bo, by=ann)
    bounce(cast, ann, bo.account)
    operators.act(inquiries.inquire, acme, by=marta, why="The server is mended")
    roles.make_member(bo, by=ann)

    assert {one.to for one in cast.deliver()} == {"ann@acme.test"}
