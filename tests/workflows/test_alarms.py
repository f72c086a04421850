"""Alarms: what is stuck for ten minutes is told once, and again when it is over."""

import json
from datetime import timedelta

import pytest
from ailing import SEEDS, Ward
from databases import loosen
from sqlalchemy import select

from workflows import acknowledgements, alarms, operators, surveys
from workflows.alarms import Alarm
from workflows.engine import heartbeats, history, outbox, readings, webhooks
from workflows.engine.db import db, now
from workflows.engine.letters import Letter
from workflows.engine.webhooks import Call

TEN_MINUTES = 11  # looks, a minute apart, until something was stuck for so long
DEAD = {"letter-dead": [{"cause": "", "number": 2}]}


@pytest.fixture
def marta(cast, settings):
    loosen(settings)
    settings.alarm_webhook = "http://127.0.0.1:9/alarms"
    settings.alarm_key = "a key for alarms, long enough to be one"
    operator = operators.make_operator(cast.account("Marta").email)
    cast.deliver()
    return operator


@pytest.fixture
def pass_by(settings):
    """Lets minutes go by, with a look in each."""

    def looks(number, found):
        for _ in range(number):
            alarms.keep_watch(found)
            settings.clock_offset += 60

    return looks


def told():
    """What was posted: the letters, and the events of the webhook."""
    mine = select(Letter.template).where(Letter.template.like("alarm%")).order_by(Letter.id)
    calls = db.session.scalars(select(Call).order_by(Call.id))
    return list(db.session.scalars(mine)), [json.loads(call.text)["event"] for call in calls]


def test_what_is_stuck_for_ten_minutes_is_told_once_and_again_when_it_is_over(marta, pass_by):
    pass_by(TEN_MINUTES - 1, DEAD)
    assert told() == ([], [])

    pass_by(5, DEAD)
    assert told() == (["alarm_raised"], ["raised"])

    pass_by(5, {})
    assert told() == (["alarm_raised", "alarm_over"], ["raised", "over"])
    [alarm] = db.session.scalars(select(Alarm))
    assert [step.event for step in history.history(alarm)] == ["begin", "end"]
    assert alarms.raised() == []


def test_what_is_over_within_ten_minutes_is_told_to_nobody(marta, pass_by):
    for _ in range(3):
        pass_by(TEN_MINUTES - 1, DEAD)
        pass_by(1, {})

    assert told() == ([], [])


def test_whatever_happened_while_nobody_looked_counts_for_nothing(marta, pass_by, settings):
    pass_by(2, DEAD)
    settings.clock_offset += 3600

    pass_by(2, DEAD)

    assert told() == ([], [])


def many(number, cause="timed out"):
    return {"letter-dead": [{"cause": cause, "number": number}]}


@pytest.fixture
def ward(cast, marta):
    return Ward(cast)


@pytest.fixture
def known(ward, marta):
    """Three letters that were given up, which somebody knows of."""
    SEEDS["letter-dead"](ward, 3)
    acknowledgements.acknowledge("letter-dead", "timed out", "The relay moves.", by=marta)


def test_what_somebody_knows_of_raises_no_alarm_until_it_grows(known, pass_by):
    pass_by(2 * TEN_MINUTES, many(13))
    assert told() == ([], [])

    pass_by(TEN_MINUTES - 1, many(14))
    assert told() == ([], [])
    pass_by(5, many(14))
    assert told()[1] == ["raised"]


def test_another_cause_or_the_same_once_it_was_gone_is_news(known, pass_by, settings):
    settings.alarm_letters = False  # which would wait as well
    pass_by(TEN_MINUTES, many(1, "connection refused"))
    assert told()[1] == ["raised"]
    pass_by(1, {})
    assert told()[1] == ["raised", "over"]

    acknowledgements.drop_settled({})
    pass_by(TEN_MINUTES, many(3))
    assert told()[1] == ["raised", "over", "raised"]


def test_to_say_that_one_knows_ends_no_alarm(ward, marta, pass_by):
    SEEDS["letter-dead"](ward, 3)
    pass_by(TEN_MINUTES, many(3))
    acknowledgements.acknowledge("letter-dead", "timed out", "The relay moves.", by=marta)

    pass_by(TEN_MINUTES, many(3))
    assert told()[1] == ["raised"]
    pass_by(1, {})
    assert told()[1] == ["raised", "over"]


def test_to_know_of_it_anew_counts_what_there_is_now(ward, marta, known, pass_by):
    SEEDS["letter-dead"](ward, 20)
    acknowledgements.acknowledge("letter-dead", "timed out", "The relay moves.", by=marta)

    pass_by(2 * TEN_MINUTES, many(46))

    assert told() == ([], [])


def test_a_standstill_of_which_all_is_known_is_no_news(ward, marta, pass_by):
    SEEDS["letter-retrying"](ward, 5)
    cause = "451 4.7.1 Greylisted"
    found = {"letter-retrying": [{"cause": cause, "number": 5}]}
    acknowledgements.acknowledge("letter-retrying", cause, "They are rebooting.", by=marta)
    pass_by(2 * TEN_MINUTES, found)
    assert told() == ([], [])

    unknown = {"letter-late": [{"cause": "never tried", "number": 1}]}
    pass_by(TEN_MINUTES, found | unknown)
    assert told()[1] == ["raised", "raised"]


def test_what_waits_for_a_person_is_no_alarm(marta, pass_by):
    pass_by(2 * TEN_MINUTES, {"member-unseated": [{"cause": "", "number": 5}]})

    assert told() == ([], [])


def test_every_way_to_be_stuck_can_raise_an_alarm(marta, pass_by):
    found = {
        name: [{"cause": "", "number": 1}] for name in alarms.NAMES if name != alarms.STILL.name
    }

    pass_by(TEN_MINUTES, found)

    assert {alarm.name for alarm in alarms.raised()} == set(found)


def test_the_letter_says_what_it_is_and_is_moot_once_it_is_over(cast, marta, pass_by):
    pass_by(TEN_MINUTES, DEAD)
    [letter] = cast.deliver()
    assert (letter.template, letter.to) == ("alarm_raised", marta.email)
    assert letter.facts["title"] == "Letter given up"
    assert letter.facts["number"] == 2
    pass_by(1, {})
    assert [one.template for one in cast.deliver()] == ["alarm_over"]

    pass_by(TEN_MINUTES, DEAD)
    pass_by(1, {})
    assert [one.template for one in cast.deliver()] == ["alarm_over"]


def test_who_is_no_operator_any_more_gets_no_letter(cast, marta, pass_by):
    pass_by(TEN_MINUTES, DEAD)
    operators.unmake_operator(marta.email)

    assert cast.deliver() == []


def test_letters_can_be_left_out_and_the_webhook_too(marta, pass_by, settings):
    settings.alarm_letters = False
    settings.alarm_webhook = ""

    pass_by(TEN_MINUTES, DEAD)

    assert told() == ([], [])
    assert [alarm.name for alarm in alarms.raised()] == ["letter-dead"]


@pytest.fixture
def post_letters(cast, marta, settings):
    """Posts so many letters, two minutes after the last one has left."""
    ward = Ward(cast)
    cast.deliver()

    def posted(many):
        settings.clock_offset += 120
        ward.letters(many)

    return posted


def put_off(many):
    """So many letters that the mail server did not take."""
    claims = outbox.claim(many, "a worker")
    assert len(claims) == many
    for claim in claims:
        outbox.later(claim, "421 not now")


def test_a_backlog_of_which_nothing_leaves_is_an_alarm(cast, post_letters, pass_by, settings):
    post_letters(3)
    put_off(3)

    pass_by(TEN_MINUTES, {})
    assert [alarm.name for alarm in alarms.raised()] == ["letters-still"]
    assert alarms.raised()[0].number == 3

    settings.clock_offset += 3600
    cast.deliver()
    pass_by(1, {})
    assert alarms.raised() == []


def test_two_letters_that_are_put_off_are_no_backlog(post_letters, pass_by):
    post_letters(2)
    put_off(2)

    pass_by(TEN_MINUTES, {})

    assert alarms.raised() == []


def test_where_one_letter_leaves_now_and_then_nothing_stands_still(post_letters, pass_by):
    post_letters(4)
    put_off(3)
    pass_by(TEN_MINUTES - 2, {})

    [left] = outbox.claim(1, "a worker")
    outbox.sent(left, "250 OK")
    pass_by(TEN_MINUTES - 2, {})

    assert alarms.raised() == []


def test_the_clock_finds_what_is_stuck_and_watches_it(cast, marta, settings):
    for kind in ("web", "worker", "clock"):
        heartbeats.beat(kind)
    SEEDS["letter-dead"](Ward(cast), 2)
    surveys.look_for_ailments()

    alarms.keep_watch(readings.last("ailments").facts)

    assert set(readings.last("watched").facts) == {"letter-dead"}


def test_calls_keep_their_order_and_are_tried_again_later_each_time(marta, pass_by, settings):
    pass_by(TEN_MINUTES, DEAD)
    pass_by(1, {})
    first = webhooks.claim()
    assert json.loads(first.body)["event"] == "raised"
    assert webhooks.claim() is None  # the second waits behind the first

    webhooks.answered(first, "It answered 500.", taken=False)
    assert webhooks.in_vain().reply == "It answered 500."
    settings.clock_offset += 61
    again = webhooks.claim()
    assert (again.call_id, again.attempt) == (first.call_id, 2)
    webhooks.answered(first, "It answered 200.", taken=True)  # too late: another try is under way
    assert webhooks.in_vain()
    webhooks.answered(again, "It answered 200.", taken=True)

    second = webhooks.claim()
    assert json.loads(second.body)["event"] == "over"
    webhooks.answered(second, "It answered 204.", taken=True)
    assert webhooks.claim() is webhooks.in_vain() is None


def test_a_call_that_nobody_takes_is_given_up_after_three_days(marta, pass_by, settings):
    pass_by(TEN_MINUTES, DEAD)
    for _ in range(100):
        if not (claim := webhooks.claim()):
            break
        webhooks.answered(claim, "It answered 500.", taken=False)
        settings.clock_offset += timedelta(hours=1).total_seconds()

    [call] = db.session.scalars(select(Call))
    assert call.ended_at
    assert not call.taken
    assert timedelta(hours=72) < now() - call.posted_at < timedelta(hours=75)
