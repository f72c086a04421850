"""Uses are gathered, written in batches, and never stand in a request's way."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from web import uses as module
from web.uses import Uses
from workflows.gate import Use


def use(generation, downloaded, where="192.0.2.1"):
    return Use(generation, datetime.now(UTC), where, downloaded)


class Table:
    """Where uses are written; away for the first `fails` writes."""

    def __init__(self, fails=0):
        self.fails = fails
        self.batches = []
        self.written = threading.Event()

    def write(self, batch):
        if self.fails:
            self.fails -= 1
            raise OSError("away")
        self.batches.append(batch)
        self.written.set()

    @property
    def rows(self):
        return [row for batch in self.batches for row in batch]


def test_many_uses_of_a_token_are_one_row_that_keeps_the_last_moment_and_any_download():
    table = Table()
    uses = Uses(table.write)

    uses.add(use(1, False, "192.0.2.1"))
    uses.add(use(1, True, "192.0.2.2"))
    last = use(1, False, "192.0.2.3")
    uses.add(last)
    uses.add(use(2, False))
    uses.flush()

    assert table.rows[0] == replace(last, downloaded=True)
    assert [row.generation_id for row in table.rows] == [1, 2]


def test_they_are_written_about_a_second_later_by_themselves():
    table = Table()
    uses = Uses(table.write)

    uses.add(use(1, False))

    assert not table.batches
    assert table.written.wait(60)
    assert len(table.rows) == 1


def test_a_full_buffer_is_written_at_once(monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 60)
    table = Table()
    uses = Uses(table.write)

    for generation in range(module.SOON):
        uses.add(use(generation, False))

    assert table.written.wait(60)
    assert len(table.rows) == module.SOON


def test_a_buffer_that_cannot_be_emptied_does_not_grow_for_ever(monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 60)
    monkeypatch.setattr(module, "SOON", 0)
    table = Table()
    uses = Uses(table.write)

    for generation in range(module.FULL + 500):
        uses.add(use(generation, False))
    uses.flush()

    assert len(table.rows) == module.FULL


def test_what_could_not_be_written_goes_with_the_next_batch_once():
    table = Table(fails=1)
    uses = Uses(table.write)

    uses.add(use(1, True))
    uses.flush()
    uses.add(use(1, False))
    uses.add(use(2, False))
    uses.flush()
    uses.flush()

    assert [(row.generation_id, row.downloaded) for row in table.rows] == [(1, True), (2, False)]


def test_what_failed_twice_is_forgotten():
    table = Table(fails=2)
    uses = Uses(table.write)

    uses.add(use(1, True))
    uses.flush()
    uses.flush()
    uses.flush()

    assert table.rows == []


def test_a_batch_that_failed_is_tried_again_without_a_new_use():
    table = Table(fails=1)
    uses = Uses(table.write)

    uses.add(use(1, True))
    uses.flush()

    assert table.written.wait(60)


def test_nothing_is_lost_between_threads():
    table = Table()
    uses = Uses(table.write)

    def many(start):
        for generation in range(start, start + 900):
            uses.add(use(generation, False))

    threads = [threading.Thread(target=many, args=(n * 900,)) for n in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        uses.flush()
    uses.flush()

    assert {row.generation_id for row in table.rows} == set(range(7200))


CHILD = """
import os, sys
from datetime import UTC, datetime
from multiprocessing import get_context
from threading import Event
from web.uses import Uses
from workflows.gate import Use
written = Event()
def use(generation):
    return Use(generation, datetime.now(UTC), "", False)
def write(batch):
    print(os.getpid(), len(batch), flush=True)
    written.set()
def serve():
    global uses
    uses = Uses(write)
    uses.add(use(1))
if __name__ == "__main__":
    how = sys.argv[1]
    if how == "spawn":
        child = get_context("spawn").Process(target=serve)
        child.start()
        child.join()
    else:
        serve()
    if how == "fork" and os.fork() == 0:
        written = Event()
        uses.add(use(2))
        written.wait(60)
        os._exit(0)
    elif how == "fork":
        os.wait()
"""


@pytest.mark.parametrize(("how", "writers"), [("exit", 1), ("fork", 2), ("spawn", 1)])
def test_each_process_writes_its_own_and_the_last_ones_when_it_ends(tmp_path, how, writers):
    (tmp_path / "child.py").write_text(CHILD)

    done = subprocess.run(
        [sys.executable, str(tmp_path / "child.py"), how],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )

    assert done.stderr == ""
    assert len({line.split()[0] for line in done.stdout.splitlines()}) == writers
