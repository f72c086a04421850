"""The story of leaving: seat and token go in the same moment, the history stays."""

import pytest
from sqlalchemy.exc import IntegrityError

from workflows import departures, gate, guest_lists, memberships, organizations, roles, seats
from workflows.engine.db import command, db
from workflows.engine.history import history
from workflows.engine.refusals import NotAllowed, NotFound, NotNow


def test_whoever_leaves_takes_neither_seat_nor_token_along(cast, acme, ann):
    bob = cast.seated(acme, "Bob", ann)
    secret = cast.secret(bob)

    departures.leave(bob, by=bob.account)

    assert bob.state == "left"
    assert seats.count(acme).free == 3
    assert gate.judge(secret).reason == "member_gone"
    with pytest.raises(NotFound):
        memberships.require_member(bob.account, acme)
    assert [step.target for step in history(bob)] == ["member", "left"]


def test_whoever_is_removed_hears_of_it(cast, acme, ann):
    bob = cast.seated(acme, "Bob", ann)
    secret = cast.secret(bob)

    departures.remove(bob, by=ann)

    assert gate.judge(secret).reason == "member_gone"
    assert [(letter.to, letter.template) for letter in cast.deliver()] == [
        ("bob@acme.test", "member_removed")
    ]


def test_an_invitation_of_somebody_who_left_before_being_seated_is_closed(cast, acme, ann):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    bob = cast.member(acme, "Bob", ann)

    departures.leave(bob, by=bob.account)

    assert invitation.state == "closed"


@pytest.mark.parametrize("role", ["make_admin", "make_billing_admin"])
def test_admins_cannot_leave_before_another_admin_has_made_them_members(cast, acme, ann, role):
    bob = cast.member(acme, "Bob", ann)
    getattr(roles, role)(bob, by=ann)

    with pytest.raises(NotNow, match="cannot leave"):
        departures.leave(bob, by=bob.account)

    roles.make_member(bob, by=ann)
    departures.leave(bob, by=bob.account)
    assert bob.state == "left"


def test_the_owner_cannot_leave_nor_be_removed(cast, acme, ann):
    bob = cast.member(acme, "Bob", ann)
    roles.make_admin(bob, by=ann)

    with pytest.raises(NotNow, match="The owner cannot leave"):
        departures.leave(acme.owner, by=ann)
    with pytest.raises(NotAllowed, match="Nobody may change or remove the owner"):
        departures.remove(acme.owner, by=bob.account)


def test_admins_cannot_remove_themselves(cast, acme, ann):
    bob = cast.member(acme, "Bob", ann)
    roles.make_admin(bob, by=ann)

    with pytest.raises(NotAllowed, match="Admins cannot remove themselves"):
        departures.remove(bob, by=bob.account)


def test_whoever_comes_back_is_a_new_member_with_the_old_history_kept(cast, acme, ann):
    bob = cast.seated(acme, "Bob", ann)
    departures.leave(bob, by=bob.account)

    guest_lists.invite(acme, "bob@acme.test", by=ann)
    assert cast.deliver()[-1].template == "invitation"

    assert organizations.of_account(bob.account) == []
    assert bob.state == "left"


@pytest.mark.parametrize("state", ["left", "removed"])
def test_the_database_lets_nobody_go_who_still_has_a_seat(cast, acme, ann, state):
    bob = cast.seated(acme, "Bob", ann)

    @command
    def go_the_wrong_way():
        statement = db.update(memberships.Membership).filter_by(id=bob.id)
        db.session.execute(statement.values(state=state))

    with pytest.raises(IntegrityError):
        go_the_wrong_way()
