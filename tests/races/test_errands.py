"""Many hands and many people: errands at the same time, and one whose process is killed."""

import os
from functools import partial

import crashing
import pytest
from racing import nothing_is_wrong

from workflows import cases, errands, roles, seats, subscriptions
from workflows.engine.db import db
from workflows.engine.history import Step


@pytest.fixture
def people(cast, acme, ann):
    subscriptions.resize(subscriptions.live(acme), 10, by=ann)
    return [cast.member(acme, f"Person{number}", ann) for number in range(16)]


def of(people):
    return [(person.id, None) for person in people]


def test_two_errands_share_the_seats_and_nobody_gets_two(race, acme, ann, cy, people, laps):
    subscriptions.resize(subscriptions.live(acme), 13, by=ann)

    for _ in laps:
        first = errands.prepare(acme, "assign", of(people[:10]), by=ann)
        second = errands.prepare(acme, "assign", of(people[6:]), by=cy)

        answers = race(partial(errands.begin, first, by=ann), partial(errands.begin, second, by=cy))

        assert answers == [None, None]
        counts = [cases.counts(one.id) for one in (first, second)]
        assert counts[0]["done"] + counts[1]["done"] == seats.count(acme).used == 13
        assert not any(one["waiting"] for one in counts)
        assert nothing_is_wrong()
        again = errands.prepare(acme, "revoke-seat", of(people), by=ann)
        errands.begin(again, by=ann)
        assert seats.count(acme).used == 0


def test_one_errand_is_begun_once(race, acme, ann, cy, people, laps):
    for _ in laps:
        errand = errands.prepare(acme, "assign", of(people[:3]), by=ann)

        answers = race(
            partial(errands.begin, errand, by=ann), partial(errands.begin, errand, by=cy)
        )

        assert sorted(map(str, answers)) == ["None", "This is done."]
        assert seats.count(acme).used == 3
        errands.begin(errands.prepare(acme, "revoke-seat", of(people), by=ann), by=ann)


def test_two_clocks_do_nobody_twice(race, acme, ann, people, laps, monkeypatch):
    monkeypatch.setattr(errands, "TOGETHER", 4)
    for _ in laps:
        errand = errands.prepare(acme, "assign", of(people), by=ann)
        errands.begin(errand, by=ann)

        while errand.state == "running":
            race(partial(errands.go_on), partial(errands.go_on))

        assert cases.counts(errand.id) == {"done": 10, "refused": 6}
        assert seats.count(acme).used == 10
        assert nothing_is_wrong()
        again = errands.prepare(acme, "revoke-seat", of(people), by=ann)
        errands.begin(again, by=ann)
        while errands.go_on():
            pass


def test_seats_given_singly_meanwhile_are_given_once(race, acme, ann, cy, people, laps):
    for _ in laps:
        errand = errands.prepare(acme, "assign", of(people), by=ann)

        answers = race(
            partial(errands.begin, errand, by=ann),
            *(partial(seats.assign, one, by=cy) for one in people[:4]),
        )

        singly = answers[1:].count(None)
        assert answers[0] is None
        assert cases.counts(errand.id)["done"] + singly == seats.count(acme).used == 10
        assert nothing_is_wrong()
        errands.begin(errands.prepare(acme, "revoke-seat", of(people), by=ann), by=ann)


def test_an_admin_demoted_at_the_same_moment_gives_all_or_nothing(
    race, cast, acme, ann, people, laps
):
    for lap in laps:
        dee = cast.member(acme, f"Dee{lap}", ann)
        roles.make_admin(dee, by=ann)
        errand = errands.prepare(acme, "assign", of(people[:5]), by=dee.account)

        begun, demoted = race(
            partial(errands.begin, errand, by=dee.account),
            partial(roles.make_member, dee, by=ann),
        )

        assert demoted is None
        last = {
            step.event: step.id for step in db.session.scalars(db.select(Step).order_by(Step.id))
        }
        assert begun is not None or last["assign"] < last["make_member"]
        assert seats.count(acme).used == (5 if begun is None else 0)
        assert nothing_is_wrong()
        errands.begin(errands.prepare(acme, "revoke-seat", of(people), by=ann), by=ann)


@pytest.mark.parametrize("until", [4, 5, 7])
def test_an_errand_goes_on_where_a_killed_process_left_it(
    app, acme, ann, people, monkeypatch, until
):
    monkeypatch.setattr(errands, "TOGETHER", 4)
    errand = errands.prepare(acme, "assign", of(people), by=ann)
    errands.begin(errand, by=ann)
    errand_id, acme_id = errand.id, acme.id

    pid = crashing.fork(app, lambda: dies_at_commit(until))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == crashing.DIED
    before = cases.counts(errand_id)
    assert 0 < before["waiting"] < 16
    while errands.go_on():
        pass

    assert cases.counts(errand_id) == {"done": 10, "refused": 6}
    assert seats.count(db.session.get_one(type(acme), acme_id)).used == 10
    assert nothing_is_wrong()


def dies_at_commit(number):
    """Go on with errands, and end without a word before or after some commit."""
    passed = 0

    def pass_by(*_):
        nonlocal passed
        passed += 1
        if passed == number:
            os._exit(crashing.DIED)

    db.event.listen(db.engine, "commit", pass_by)
    db.event.listen(db.session, "after_commit", pass_by)
    while errands.go_on():
        pass
