"""What stands beside us is asked now and then, by one thread, and nobody waits for it long."""

import threading
import time

import pytest

from web import probes
from web.probes import Probe


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    for name, seconds in {"FRESH": 0.2, "KEPT": 1.0, "PATIENCE": 0.3}.items():
        monkeypatch.setattr(probes, name, seconds)


@pytest.fixture
def server():
    """Something that may answer, break or hang; it counts how often it was asked."""
    server = Server()
    yield server
    server.goes_on.set()


class Server:
    def __init__(self):
        self.asked, self.broken, self.goes_on = 0, False, threading.Event()
        self.goes_on.set()

    def look(self):
        self.asked += 1
        self.goes_on.wait(10)
        if self.broken:
            raise ConnectionRefusedError


def test_many_who_ask_at_once_are_answered_by_one_question(server):
    probe = Probe("It", server.look)

    assert all(probe() for _ in range(50))
    assert server.asked == 1


def test_what_breaks_and_mends_is_told_a_moment_later(server):
    probe, told = Probe("It", server.look), []
    for server.broken in (False, True, False):
        time.sleep(0.25)
        told.append(probe())

    assert told == [True, False, True]


def test_whoever_asks_is_not_held_up_by_what_hangs(server):
    server.goes_on.clear()
    probe, began = Probe("It", server.look), time.monotonic()

    told = [probe(), probe()]

    assert told == [False, False]
    assert time.monotonic() - began < 2
    assert server.asked == 1


def test_what_is_slow_once_counts_as_there_and_what_stays_silent_does_not(server):
    probe = Probe("It", server.look)
    assert probe()
    server.goes_on.clear()

    time.sleep(0.25)
    slow = probe()
    time.sleep(1)
    silent = probe()

    assert (slow, silent) == (True, False)
