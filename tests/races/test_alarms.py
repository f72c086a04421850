"""Two clocks watch: what is stuck is told once, and once when it is over."""

from functools import partial

import pytest
from sqlalchemy import func, select

from workflows import alarms, operators
from workflows.alarms import Alarm
from workflows.engine import webhooks
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.engine.webhooks import Call

DEAD = {"letter-dead": [{"cause": "", "number": 2}]}


@pytest.fixture(autouse=True)
def watched(settings, cast, ann, monkeypatch):
    settings.alarm_webhook = "http://127.0.0.1:9/"
    settings.alarm_key = "a key for alarms, long enough to be one"
    operators.make_operator(ann.email)
    monkeypatch.setattr(alarms, "PATIENCE", alarms.PATIENCE * 0)
    alarms.keep_watch({})
    cast.deliver()  # no backlog


def number(kind, *which):
    return db.session.scalar(select(func.count()).select_from(kind).where(*which))


def test_two_clocks_raise_and_end_one_alarm(race, cast, laps):
    for lap in range(1, len(laps) + 1):
        for found, template in ((DEAD, "alarm_raised"), ({}, "alarm_over")):
            assert race(*[partial(alarms.keep_watch, found)] * 3) == [None] * 3

            assert number(Letter, Letter.template == template) == lap
            cast.deliver()
        assert number(Alarm) == lap
        assert number(Call) == 2 * lap


def claim(claims):
    claims.append(webhooks.claim())


def test_two_clocks_make_one_call(race, laps):
    alarms.keep_watch(DEAD)
    for attempt in range(1, len(laps) + 1):
        claims = []
        race(*[partial(claim, claims)] * 3)

        [made] = [one for one in claims if one]
        assert made.attempt == attempt
        [call] = db.session.scalars(select(Call))
        call.due_at = call.posted_at
        db.session.commit()
