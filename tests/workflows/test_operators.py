"""Operators: who may look, who may act, and what is written down of it."""

import pytest

from workflows import closures, invitations, operators, seats
from workflows.engine import history
from workflows.engine.refusals import Invalid, NotAllowed, NotFound, NotNow


@pytest.fixture
def acme(cast):
    ada = cast.account("Ada")
    organization = cast.organization(ada, seats=2)
    return organization, ada


def test_an_operator_acts_for_an_organization_and_history_says_who_and_why(cast, acme, marta):
    organization, ada = acme
    bo = cast.member(organization, "Bo", by=ada)

    operators.act(seats.assign, bo, by=marta, why="Ada asked on the phone.")

    action = history.of_organization(organization.id)[0]
    assert (action.event, action.operator, action.by_id) == ("seats.assign", True, marta.id)
    assert action.why == "Ada asked on the phone"
    assert seats.of(bo)


def test_who_only_looks_changes_nothing(cast, acme):
    organization, ada = acme
    bo = cast.member(organization, "Bo", by=ada)
    mia = operators.make_operator(cast.account("Mia").email, acting=False)

    operators.require_operator(mia)
    with pytest.raises(NotAllowed):
        operators.act(seats.assign, bo, by=mia, why="to try")

    assert seats.of(bo) is None


def test_what_is_closed_stays_as_it_is_and_the_operator_hears_why(cast, acme, marta):
    organization, ada = acme
    invitation = cast.invitation(organization, "bo@acme.test", by=ada)
    closures.close(organization, organization.slug, by=ada)

    with pytest.raises(NotNow, match="“Acme” is closed"):
        operators.act(invitations.resend, invitation, by=marta, why="Ada asked on the phone.")


def test_to_everybody_else_there_is_no_such_page(acme):
    with pytest.raises(NotFound):
        operators.require_operator(acme[1])


@pytest.mark.parametrize("why", ["", "  \n", "x" * 201, "a\x00b"])
def test_a_reason_is_a_sentence(cast, acme, marta, why):
    bo = cast.member(acme[0], "Bo", by=acme[1])

    with pytest.raises(Invalid):
        operators.act(seats.assign, bo, by=marta, why=why)


def test_what_an_operator_did_gives_no_right_to_what_comes_next(cast, acme, marta):
    organization, ada = acme
    invitation = cast.invitation(organization, "new@acme.test", by=ada)
    operators.act(invitations.revoke, invitation, by=marta, why="a wrong address")

    other = cast.invitation(organization, "other@acme.test", by=ada)
    with pytest.raises(NotFound):
        invitations.revoke(other, by=marta)
