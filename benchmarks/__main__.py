"""Measure everything, print one table, and keep it in `benchmarks/latest.json`.

`python -m benchmarks` runs all at full size; `--rounds 5`, `--scale 0.1` for a quick look (which
is not kept), `--database sqlite` for one of the two. Nothing here is a test: a ratio that misses
its target is said, and fails nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import towns  # isort: skip  # finds the tests' people and databases
from benchmarks import activity, invitations, members, seats, status
from benchmarks.rounds import Result

LATEST = Path(__file__).with_name("latest.json")
# Each with its full size.
JOBS = (
    (invitations, 10_000), (seats, 10_000), (members, 100_000), (activity, 2_000),
    (status, 1_000_000),
)  # fmt: skip
DATABASES = towns.databases.NAMES


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--scale", type=float, default=1.0)
    words.add_argument("--database", choices=DATABASES)
    wish = words.parse_args()
    results: list[Result] = []
    for database in [wish.database] if wish.database else DATABASES:
        for job, size in JOBS:
            results += job.measure(database, wish.rounds, int(size * wish.scale))
    print(table(results))
    if wish.scale == 1 and not wish.database:
        keep(results)


def table(results: Sequence[Result]) -> str:
    """Job, limit, database, ratio, target, and plainly whether it is met."""
    rows = [("job", "against", "database", "ratio", "target", "")]
    rows += [
        (one.job, one.limit, one.database, f"{one.ratio:.2f}", f"≤ {one.target}",
         "met" if one.met else "MISSED")
        for one in results
    ]  # fmt: skip
    wide = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(word.ljust(w) for word, w in zip(r, wide, strict=True)) for r in rows
    )


def keep(results: Sequence[Result]) -> None:
    """Write the table down with the commit that it is about."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    found = {"commit": commit.stdout.strip(), "results": [asdict(one) for one in results]}
    LATEST.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
