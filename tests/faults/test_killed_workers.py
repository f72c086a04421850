"""Workers killed in the middle of a sentence to the mail server."""

import os
import signal
import threading
import time
from contextlib import contextmanager
from functools import partial

from crashing import fork
from dramatiq import Worker

import workers
from workers import clock, post
from workflows import accounts, guest_lists
from workflows.engine import outbox
from workflows.engine.db import db
from workflows.organizations import Organization

PATIENCE = 50  # seconds, for a worker to begin: less than the mail server hangs
PROMISED = 45  # seconds from the death to the letter, of which five are for the bell and the rest
AT_ONCE = 10


def test_a_letter_whose_worker_was_killed_leaves_within_one_lease(
    app, settings, sink, cast, verdict, full
):
    cast.organization(cast.account("Ann"))
    cast.deliver()
    rounds, waits = (4 if full else 1), []
    verdict.about("R6", kills=rounds * AT_ONCE, at_once=AT_ONCE)

    for number in range(rounds):
        guests = [f"guest{number}.{n}@acme.test" for n in range(AT_ONCE)]
        invite(guests)
        kill_workers_that_speak(app, sink, AT_ONCE)
        if not full:  # their letters are nobody else's before the lease ends
            post.deliver()
            assert missing(sink, guests) == guests
            settings.clock_offset += PROMISED - 5
        with working(app):
            waits += arrivals_of(sink, guests, within=PROMISED)

    assert [len(set(sink.mails)), len(sink.mails)] == [rounds * AT_ONCE] * 2
    assert outbox.due() == 0
    verdict.holds(lost=0, longest_wait_seconds=round(max(waits), 1))


def invite(guests):
    ann, acme = accounts.with_key("ann@acme.test"), db.session.scalar(db.select(Organization))
    guest_lists.invite(acme, " ".join(guests), by=ann)


def kill_workers_that_speak(app, sink, number):
    """So many workers, each with one letter, and all of them dead before the server answers."""
    sink.hang, sink.hanging = "DATA", 0
    running = [fork(app, partial(speak, app)) for _ in range(number)]
    ending = time.monotonic() + PATIENCE
    while sink.hanging < number and time.monotonic() < ending:
        time.sleep(0.02)
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert sink.hanging == number
    sink.hang = None


def speak(app):
    workers.use(app)
    post.deliver_batch(1)


@contextmanager
def working(app):
    """What goes on living: a clock and a worker."""
    stop = threading.Event()
    ticking = threading.Thread(target=clock.run, args=(app, stop))
    worker = Worker(workers.broker, worker_timeout=50, worker_threads=2)
    ticking.start()
    worker.start()
    try:
        yield
    finally:
        stop.set()
        ticking.join()
        worker.stop()
        db.session.remove()


def arrivals_of(sink, guests, within):
    """Wait for all of them; answers after how many seconds each was there."""
    began, waits = time.monotonic(), {}
    while len(waits) < len(guests):
        waited = time.monotonic() - began
        assert waited < within, f"{missing(sink, guests)} still wait"
        for guest in set(guests) - set(missing(sink, guests)):
            waits.setdefault(guest, waited)
        time.sleep(0.05)
    return list(waits.values())


def missing(sink, guests):
    here = {recipient for [recipient] in sink.recipients}
    return [guest for guest in guests if guest not in here]
