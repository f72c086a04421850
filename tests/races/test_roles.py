"""Two admins act on each other at the same moment."""

from functools import partial

import pytest
from racing import nothing_is_wrong, won

from workflows import departures, memberships, roles, seats
from workflows.engine.history import history

ONLY_ADMINS = "Only an admin of the organization may do this."
STRANGER = "There is no such organization, or you are not, or no longer, a member of it."


@pytest.fixture
def dee(cast, acme, ann):
    dee = cast.member(acme, "Dee", ann)
    roles.make_admin(dee, by=ann)
    return dee.account


def last_action(row):
    return history(row)[-1].action_id


def test_two_admins_who_demote_each_other_do_not_both_succeed(race, acme, ann, cy, dee, laps):
    mine, hers = memberships.of(cy, acme), memberships.of(dee, acme)

    for _ in laps:
        answers = race(
            partial(roles.make_member, hers, by=cy),
            partial(roles.make_billing_admin, mine, by=dee),
        )

        assert won(answers) == 1
        assert ONLY_ADMINS in map(str, answers)
        assert len(memberships.admins(acme)) == 2
        assert nothing_is_wrong()
        roles.make_admin(hers if answers[0] is None else mine, by=ann)


def test_two_admins_who_remove_each_other_do_not_both_succeed(race, cast, acme, ann, laps):
    for lap in laps:
        pair = [cast.member(acme, f"{name}{lap}", ann) for name in ("Eve", "Fay")]
        for one in pair:
            roles.make_admin(one, by=ann)

        answers = race(
            partial(departures.remove, pair[0], by=pair[1].account),
            partial(departures.remove, pair[1], by=pair[0].account),
        )

        assert won(answers) == 1
        assert STRANGER in map(str, answers)
        assert sorted(one.state for one in pair) == ["admin", "removed"]
        assert nothing_is_wrong()


def test_an_admin_who_is_demoted_meanwhile_acts_before_or_not_at_all(
    race, acme, ann, bob, cy, laps
):
    admin = memberships.of(cy, acme)

    for _ in laps:
        demoted, assigned = race(
            partial(roles.make_member, admin, by=ann), partial(seats.assign, bob, by=cy)
        )

        assert demoted is None
        assert assigned is None or str(assigned) == ONLY_ADMINS
        if assigned is None:
            assert last_action(seats.of(bob)) < last_action(admin)
        assert seats.count(acme).used == (assigned is None)
        assert nothing_is_wrong()
        roles.make_admin(admin, by=ann)
        if assigned is None:
            seats.revoke(bob, by=ann)
