"""`launch.py` in processes that are forked from one that has read all its code already.

Reading it takes longer than most of what it is asked here. `test_usher.py` starts it as people do.
"""

import multiprocessing
import os
from pathlib import Path

import launch

ROOT = Path(__file__).parents[1]
KEPT = ("PATH", "HOME", "LANG")  # of the environment of the tests
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["launch"])


def begin(*words, log, **environment):
    """A process with these words and nothing else in its environment; `log` is what it says."""
    process = _server.Process(target=_live, args=(words, log, environment), daemon=True)
    process.start()
    return process


def run(*words, log, **environment):
    """Wait until it has ended; answers with which code."""
    process = begin(*words, log=log, **environment)
    process.join(180)
    assert process.exitcode is not None, log.read_text()
    return process.exitcode


def _live(words, log, environment):
    with log.open("ab") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(kept | environment)
    os.chdir(ROOT)
    launch.main(list(words))
