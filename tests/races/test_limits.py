"""A limit is exact, however many try at the same moment."""

from functools import partial

import pytest
from people import PASSWORD
from racing import won

from workflows import guest_lists, invitations, log_ins
from workflows.engine import limits, outbox
from workflows.engine.refusals import Invalid, TooOften


@pytest.fixture(autouse=True)
def slowly(settings):
    """Limits that do not loosen while a slow machine runs a test."""
    settings.limit_log_in = "10/5h"


def test_twenty_tries_at_once_are_ten(race, laps):
    for lap in laps:
        answers = race(*[partial(limits.count, "log_in", "somebody", lap)] * 20)

        assert won(answers) == 10
        assert {type(answer) for answer in answers if answer} == {TooOften}


def test_twenty_wrong_passwords_at_once_are_ten_guesses(race, cast, laps):
    ann = cast.account("Ann")

    for lap in laps:
        place = {"client": f"192.0.2.{lap}", "browser": f"browser {lap}"}
        log_ins.make_familiar(ann, browser=place["browser"])
        guess = partial(log_ins.log_in, "ann@acme.test", "a wrong password", **place)

        answers = race(*[guess] * 20)

        kinds = [type(answer) for answer in answers]
        assert (kinds.count(Invalid), kinds.count(TooOften)) == (10, 10)


def test_right_passwords_at_once_leave_nothing_counted(race, cast, laps):
    cast.account("Ann")

    for _ in laps:
        log_in = partial(log_ins.log_in, "ann@acme.test", PASSWORD, client="192.0.2.1")

        assert won(race(*[log_in] * 8)) == 8

    assert won(race(*[partial(limits.count, "log_in", "network", "192.0.2.1")] * 12)) == 10


def test_organizations_that_ask_one_mailbox_at_once_ask_it_three_times(race, cast, laps, settings):
    settings.limit_recipient = "3/1d"
    owners = [cast.account(f"Owner{number}") for number in range(6)]
    places = [cast.organization(one, f"Place {number}") for number, one in enumerate(owners)]
    cast.deliver()

    for lap in laps:
        for place, by in zip(places, owners, strict=True):
            guest_lists.invite(place, f"ann{lap}@x.test", by=by)
        claims = outbox.claim(100, "test")

        race(*[partial(outbox.compose, claim) for claim in claims])

        assert [outbox.sent(claim, "250 OK") for claim in claims].count(True) == 3


def test_a_double_click_on_resend_sends_once(race, cast, acme, ann, laps):
    for lap in laps:
        invitation = cast.invitation(acme, f"bob{lap}@x.test", ann)

        answers = race(*[partial(invitations.resend, invitation, by=ann)] * 4)

        assert won(answers) == 1
        assert invitation.round == 2
