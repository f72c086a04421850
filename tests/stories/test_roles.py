"""The story of roles: who may make whom what (spec.md §4)."""

import pytest
from sqlalchemy.exc import IntegrityError

from workflows import (
    departures,
    guest_lists,
    invitations,
    memberships,
    organizations,
    roles,
    seats,
    subscriptions,
)
from workflows.engine.db import command, db
from workflows.engine.history import history
from workflows.engine.refusals import NotAllowed, NotFound, NotNow


@pytest.fixture
def bob(cast, acme, ann):
    return cast.member(acme, "Bob", ann)


CHANGES = {
    "make_admin": "admin",
    "make_billing_admin": "billing_admin",
    "make_member": "member",
}


@pytest.mark.parametrize("start", ["member", "billing_admin", "admin"])
@pytest.mark.parametrize("event", list(CHANGES))
def test_an_admin_may_make_anybody_else_anything_they_are_not(acme, ann, bob, start, event):
    for name, target in CHANGES.items():
        if target == start != bob.state:
            getattr(roles, name)(bob, by=ann)

    if CHANGES[event] == start:
        with pytest.raises(NotNow, match="already"):
            getattr(roles, event)(bob, by=ann)
    else:
        getattr(roles, event)(bob, by=ann)

    assert bob.state == CHANGES[event]
    assert history(bob)[-1].target == CHANGES[event]


@pytest.mark.parametrize("event", ["make_billing_admin", "make_member"])
def test_admins_cannot_change_their_own_permissions(cast, acme, ann, bob, event):
    roles.make_admin(bob, by=ann)

    with pytest.raises(NotAllowed, match="Admins cannot change their own permissions"):
        getattr(roles, event)(bob, by=bob.account)

    assert bob.state == "admin"


@pytest.mark.parametrize("event", ["make_billing_admin", "make_member"])
def test_nobody_may_change_the_owner(acme, ann, bob, event):
    roles.make_admin(bob, by=ann)

    with pytest.raises(NotAllowed, match="Nobody may change or remove the owner"):
        getattr(roles, event)(acme.owner, by=bob.account)


@pytest.mark.parametrize("state", ["member", "billing_admin", "left", "removed"])
def test_the_database_keeps_the_owner_an_admin(acme, state):
    owner = acme.owner_id

    @command
    def demote_behind_the_back():
        statement = db.update(memberships.Membership).filter_by(id=owner)
        db.session.execute(statement.values(state=state))

    with pytest.raises(IntegrityError):
        demote_behind_the_back()


ADMIN_WORK = {
    "invite": lambda acme, bob, by: guest_lists.invite(acme, "eve@acme.test", by=by),
    "look over": lambda acme, bob, by: guest_lists.look_over(acme, "eve@acme.test", by=by),
    "assign": lambda acme, bob, by: seats.assign(bob, by=by),
    "revoke seat": lambda acme, bob, by: seats.revoke(bob, by=by),
    "make admin": lambda acme, bob, by: roles.make_admin(bob, by=by),
    "make billing admin": lambda acme, bob, by: roles.make_billing_admin(bob, by=by),
    "make member": lambda acme, bob, by: roles.make_member(bob, by=by),
    "remove": lambda acme, bob, by: departures.remove(bob, by=by),
    "rename": lambda acme, bob, by: organizations.rename(acme, "Apex", by=by),
    "set days": lambda acme, bob, by: organizations.set_invitation_days(acme, 3, by=by),
    "resend": lambda acme, bob, by: invitations.resend(first_invitation(acme), by=by),
    "revoke": lambda acme, bob, by: invitations.revoke(first_invitation(acme), by=by),
}
BILLING_WORK = {
    "buy": lambda acme, bob, by: subscriptions.begin(acme, 3, "monthly", by=by),
    "resize": lambda acme, bob, by: subscriptions.resize(subscriptions.live(acme), 5, by=by),
}


def first_invitation(acme):
    return invitations.of_organization(acme)[0]


@pytest.mark.parametrize("work", ADMIN_WORK.values(), ids=list(ADMIN_WORK))
def test_members_and_billing_admins_administer_nothing(cast, acme, ann, bob, work):
    cy = cast.member(acme, "Cy", ann)

    for _ in ("member", "billing admin"):
        with pytest.raises(NotAllowed, match="Only an admin"):
            work(acme, bob, cy.account)
        if cy.state == "member":
            roles.make_billing_admin(cy, by=ann)


@pytest.mark.parametrize("work", BILLING_WORK.values(), ids=list(BILLING_WORK))
def test_members_buy_nothing(acme, bob, work):
    with pytest.raises(NotAllowed, match="billing admin"):
        work(acme, bob, bob.account)


def test_billing_admins_buy(acme, ann, bob):
    roles.make_billing_admin(bob, by=ann)

    subscriptions.resize(subscriptions.live(acme), 5, by=bob.account)

    assert seats.count(acme).bought == 5


EVERYTHING = ADMIN_WORK | BILLING_WORK


@pytest.mark.parametrize("work", EVERYTHING.values(), ids=list(EVERYTHING))
def test_strangers_are_not_told_that_there_is_such_an_organization(cast, acme, bob, work):
    with pytest.raises(NotFound, match="no such organization"):
        work(acme, bob, cast.account("Eve", "eve@elsewhere.test"))


def test_every_arrow_of_roles_is_known_here():
    arrows = {event for _, event, _ in memberships.RoleMachine.arrows()}
    assert arrows == {"found", "leave", "remove", "vanish", *CHANGES}
