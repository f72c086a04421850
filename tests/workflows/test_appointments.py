"""An operator makes a member the owner, because the owner is gone or cannot be reached."""

import pytest

from workflows import appointments, departures, handovers, memberships, operators, roles
from workflows.engine import history
from workflows.engine.db import db
from workflows.engine.refusals import NotAllowed, NotFound, NotNow
from workflows.handovers import Handover

WHY = "Ada left the company, her manager wrote"


@pytest.fixture
def acme(cast):
    ada = cast.account("Ada")
    return cast.organization(ada, seats=2), ada


def appoint(member, marta):
    return operators.act(appointments.appoint, member, by=marta, why=WHY)


def test_a_member_becomes_admin_and_owner_and_both_owners_hear_why(cast, acme, marta):
    place, ada = acme
    bo = cast.member(place, "Bo", by=ada)
    cast.deliver()

    appoint(bo, marta)

    assert place.owner.account.name == "Bo"
    assert (bo.state, memberships.of(ada, place).state) == ("admin", "admin")
    letters = {one.to: one for one in cast.deliver()}
    assert {to: one.template for to, one in letters.items()} == {
        "bo@acme.test": "owner_appointed", "ada@acme.test": "owner_replaced",
    }  # fmt: skip
    assert {one.facts["word"] for one in letters.values()} == {WHY}
    steps = history.history(db.session.scalars(db.select(Handover)).one())
    assert [step.event for step in steps] == ["begin", "appoint"]
    action = steps[-1].action
    assert (action.event, action.operator, action.why) == ("appointments.appoint", True, WHY)
    assert action == history.history(bo)[-1].action


def test_an_open_offer_is_settled_and_one_to_somebody_else_stands_in_the_way(cast, acme, marta):
    place, ada = acme
    bo, cy = cast.member(place, "Bo", by=ada), cast.member(place, "Cy", by=ada)
    roles.make_admin(bo, by=ada)
    offer = handovers.offer(bo, by=ada)
    assert appointments.foresee(cy) == [
        "Ada is the owner of “Acme” now, and stays an admin.",
        "Cy is a member now, and becomes an admin.",
    ]

    with pytest.raises(NotNow, match="Ownership is offered to Bo"):
        appoint(cy, marta)
    settled = appoint(bo, marta)

    assert (settled, settled.state) == (offer, "accepted")
    assert (place.owner.account.name, cy.state) == ("Bo", "member")


def test_nobody_who_is_gone_or_the_owner_already_is_appointed(cast, acme, marta):
    place, ada = acme
    bo = cast.member(place, "Bo", by=ada)
    departures.leave(bo, by=bo.account)

    with pytest.raises(NotNow, match="Bo is not a member"):
        appoint(bo, marta)
    with pytest.raises(NotNow, match="Ada is the owner already"):
        appoint(memberships.of(ada, place), marta)

    assert place.owner.account.name == "Ada"


def test_only_an_acting_operator_may_and_only_for_others(cast, acme, marta):
    place, ada = acme
    bo = cast.member(place, "Bo", by=ada)
    mine = cast.member(place, "Mia", by=ada)
    mia = operators.make_operator(mine.account.email)

    with pytest.raises(NotAllowed, match="You cannot appoint yourself"):
        appoint(mine, mia)
    for by in (ada, bo.account):
        with pytest.raises(NotFound, match="The address may be mistyped"):
            appointments.appoint(bo, by=by)
    with pytest.raises(NotAllowed, match="and says why"):
        appointments.appoint(bo, by=marta)
    operators.make_operator(mia.email, acting=False)
    with pytest.raises(NotAllowed, match="change nothing"):
        appoint(bo, mia)

    assert place.owner.account.name == "Ada"
