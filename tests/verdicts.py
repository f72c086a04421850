"""Verdicts: how a promise fared when it was last tested at full size, written by the test itself.

What would surprise a reader: a verdict is *broken* until the test says that the promise holds, so
that a test which fails, or dies, leaves no good word behind.
"""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "verdicts"


class Verdict:
    """The word on one promise: `about("R9")` first, `holds(…)` at the end of its test."""

    def __init__(self, node, database):
        self.promise, self.test, self.database = None, node.nodeid, database
        self.figures, self.outcome = {}, "broken"

    def about(self, promise, **figures):
        """What is tested and how large, said before the first step."""
        self.promise = promise
        self.figures |= figures

    def holds(self, **figures):
        self.figures |= figures
        self.outcome = "holds"

    def write(self):
        assert self.promise, "say first what the verdict is about"
        FOLDER.mkdir(exist_ok=True)
        known = {
            "promise": self.promise,
            "outcome": self.outcome,
            "test": self.test,
            "database": self.database,
            "commit": _commit(),
            "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            **self.figures,
        }
        written = json.dumps(known, indent=2, ensure_ascii=False) + "\n"
        (FOLDER / f"{self.promise}-{self.database}.json").write_text(written)


def _commit():
    """The commit that was tested, with a mark when the tree differed from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"
