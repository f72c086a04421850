"""What stands beside us is asked now and then, by one thread, and nobody waits for it long."""

import threading

import pytest

from web import probes
from web.probes import Probe


class Clock:
    """Goes on when it is told."""

    def __init__(self):
        self.seconds = 0.0

    def monotonic(self):
        return self.seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(probes, "time", clock)
    return clock


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(probes, "PATIENCE", 0.2)


@pytest.fixture
def server():
    """Something that may answer, break or hang; it counts how often it was asked."""
    server = Server()
    yield server
    server.goes_on.set()


class Server:
    def __init__(self):
        self.asked, self.ended, self.broken, self.goes_on = 0, 0, False, threading.Event()
        self.goes_on.set()

    def look(self):
        self.asked += 1
        self.goes_on.wait(60)
        self.ended += 1
        if self.broken:
            raise ConnectionRefusedError


def test_many_who_ask_at_once_are_answered_by_one_question(server):
    probe = Probe("It", server.look)

    assert all(probe() for _ in range(50))
    assert server.asked == 1


def test_what_breaks_and_mends_is_told_a_moment_later(server, clock):
    probe, told = Probe("It", server.look), []
    for server.broken in (False, True, False):
        clock.seconds += probes.FRESH
        told.append(probe())

    assert told == [True, False, True]


def test_whoever_asks_is_not_held_up_by_what_hangs(server, hasty):
    server.goes_on.clear()
    probe = Probe("It", server.look)

    told = [probe(), probe()]

    assert told == [False, False]
    assert not server.ended  # nobody waited for it
    assert server.asked == 1


def test_what_is_slow_once_counts_as_there_and_what_stays_silent_does_not(server, clock, hasty):
    probe = Probe("It", server.look)
    assert probe()
    server.goes_on.clear()

    clock.seconds += probes.FRESH
    slow = probe()
    clock.seconds += probes.KEPT
    silent = probe()

    assert (slow, silent) == (True, False)
