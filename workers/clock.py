"""The clock: rings for due letters, and does what nobody else asks for, again and again.

Several clocks may run at once: each job is a command that finds nothing to do after another clock
has done it. One job failing does not keep the others from their turn.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from dramatiq.errors import BrokerError
from flask import Flask
from redis.exceptions import RedisError

import workers
from workers import billing, callers, post, queue_pulse
from workflows import (
    accounts,
    acknowledgements,
    address_changes,
    alarms,
    cancellations,
    errands,
    gate,
    handovers,
    invitations,
    line_checks,
    lines,
    reminders,
    rescues,
    resets,
    restores,
    seats,
    sessions,
    surveys,
    tokens,
)
from workflows.engine import heartbeats, limits, logs, outbox, readings, tallies
from workflows.engine.app import bare_app

TICK = 0.25  # seconds
RING_EVERY = 0.5  # seconds, while letters are due
MOST_BELLS = 8
UNHEARD = timedelta(seconds=15)
checked = line_checks.Checked()  # how far this clock has come with looking at all lines
failed: dict[str, str] = {}  # jobs that failed the last time, and how
trouble: list[str] = []  # what is wrong with the queue, in a sentence

log = logging.getLogger("usher.clock")


@dataclass
class Job:
    """Something to do every so many seconds."""

    every: float
    do: Callable[[], Any]
    due_at: float = field(default=0.0)

    def run(self, app: Flask) -> None:
        """Do it in a database session of its own and, whatever happens, do it again next time."""
        self.due_at, name = time.monotonic() + self.every, self.do.__qualname__
        try:
            with app.app_context():
                self.do()
            failed.pop(name, None)
        except Exception as error:
            failed[name] = type(error).__name__
            log.error("%s failed: %s", name, type(error).__name__, exc_info=error)


@dataclass
class Survey(Job):
    """A job that looks at everything: the longer that takes, the longer is the pause."""

    longest: float = surveys.LONGEST_PAUSE

    def run(self, app: Flask) -> None:
        begun = time.monotonic()
        super().run(app)
        took = time.monotonic() - begun
        pause = surveys.pause_after(took, self.longest).total_seconds()
        self.due_at = time.monotonic() + max(self.every, pause)


def ring() -> None:
    """Tell the workers that letters are due, a bell for each batch.

    Where the queue is away, or nobody seems to hear, the clock delivers a batch itself.
    """
    letters = outbox.due(MOST_BELLS * post.BATCH)
    if not letters:
        trouble.clear()
        return
    try:
        for _ in range(0, letters, post.BATCH):
            post.deliver.send()
        heard = not outbox.overdue(UNHEARD)
        trouble[:] = [] if heard else ["bells are rung, and no worker comes"]
    except (BrokerError, RedisError) as error:
        log.warning("The queue is away (%s); the clock delivers.", type(error).__name__)
        heard, trouble[:] = False, [queue_pulse.said(error)]
    if not heard:
        post.deliver_batch()


def mend_verdicts() -> None:
    """The gate's answers never differ from the tables; if they do, say so."""
    if mended := gate.recheck():
        log.error("%d verdicts differed from the tables and were mended.", mended)


def mend_seat_tallies() -> None:
    """The number of seats on a page never differs from the seats; if it does, say so."""
    if mended := seats.recount():
        log.error("%d organizations had another number of seats than was told.", mended)


def check_lines() -> None:
    """The members page never differs from the tables; after an upgrade, all lines are missing."""
    global checked
    checked = line_checks.check(checked)
    while checked.mended:
        checked = line_checks.check(checked)


def run_errands() -> None:
    """What admins asked for many people goes on, a second at a time: other jobs have their turn."""
    _for_a_second(errands.go_on)


def _for_a_second(go_on: Callable[[], bool]) -> None:
    until = time.monotonic() + 1
    while go_on() and time.monotonic() < until:
        pass


def run_rescues() -> None:
    """What operators asked for many rows goes on, as errands do."""
    _for_a_second(rescues.go_on)


def free_seats() -> None:
    """What is left of ended subscriptions goes a second at a time, as errands do."""
    _for_a_second(cancellations.free_some)


def beat() -> None:
    """Say that this clock runs, and what it could not do."""
    heartbeats.beat("clock", *(trouble or queue_pulse.away))
    readings.keep("jobs", dict(failed))


def look_for_ailments() -> None:
    """Find what is stuck, and watch it; whoever knows of a cause need not, once it is gone."""
    surveys.look_for_ailments()
    if found := readings.last("ailments"):
        acknowledgements.drop_settled(found.facts)
        alarms.keep_watch(found.facts)


def jobs() -> list[Job]:
    """What one clock does beside ringing, and how often."""
    return [
        *_for_operators(),
        Job(TICK, run_errands),
        Job(1, invitations.expire_unanswered),
        Job(1, handovers.expire_unanswered),
        Job(1, restores.keep_journal),
        Job(1, cancellations.end_due),
        Job(1, free_seats),
        Job(5, check_lines),
        Job(5, reminders.remind),
        Job(60, tallies.fold),
        Job(60, accounts.drop_stale),
        Job(60, address_changes.end_stale),
        Job(600, lines.forget_ended),
        Job(600, sessions.drop_stale),
        Job(600, resets.drop_stale),
        Job(600, limits.drop_stale),
        Job(600, tokens.wipe_nonces),
        Job(600, errands.drop_old_plans),
        Job(3600, mend_verdicts),
        Job(3600, mend_seat_tallies),
    ]


def _for_operators() -> list[Job]:
    return [
        Job(heartbeats.EVERY, beat),
        Job(TICK, run_rescues),
        Job(2, rescues.verify_all),
        Survey(surveys.EVERY, look_for_ailments),
        Survey(surveys.EVERY, surveys.look_at_states, longest=surveys.LONGEST_COUNT),
        Survey(300, surveys.check_invariants, longest=surveys.LONGEST_COUNT),
    ]


def tick(app: Flask, todo: list[Job]) -> None:
    """Do what is due."""
    for job in todo:
        if time.monotonic() >= job.due_at:
            job.run(app)


def run(app: Flask, stop: threading.Event) -> None:
    """Tick until told to stop.

    Ringing has a thread of its own: it may end in delivering, and no job waits for a mail server,
    nor for the card company or the program behind the webhook.
    """
    bells = [Job(RING_EVERY, ring), Job(heartbeats.EVERY, queue_pulse.ask)]
    calls = [Job(1, callers.call_out), Job(1, billing.charge_due)]
    ringing = threading.Thread(target=_keep_ticking, args=(app, bells, stop), daemon=True)
    calling = threading.Thread(target=_keep_ticking, args=(app, calls, stop), daemon=True)
    ringing.start()
    calling.start()
    _keep_ticking(app, jobs(), stop)
    ringing.join()
    calling.join()


def _keep_ticking(app: Flask, todo: list[Job], stop: threading.Event) -> None:
    while not stop.wait(TICK):
        tick(app, todo)


def main() -> None:
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    app = bare_app()
    logs.begin(app.extensions["usher"])
    workers.use(app)
    run(app, stop)
    with app.app_context():
        heartbeats.goodbye("clock")


if __name__ == "__main__":
    main()
