"""The journal: secrets that ended, in a file that is not in the database, nor in its backups.

A line each, `moment reason digest`, which is on the disk before the next one begins and is never
changed. Nobody learns a secret from its digest. A line that broke off ends nobody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

LINE = re.compile(r"(\S+) ([a-z_]+) ([0-9a-f]{64})")


@dataclass(frozen=True)
class Ending:
    """That this secret ended, or will within a day, and why."""

    at: datetime
    reason: str
    digest: bytes


def read(file: Path) -> list[Ending]:
    """All that is written down; nothing where there is no file yet."""
    if not file.exists():
        return []
    found = (LINE.fullmatch(line) for line in file.read_text("ascii", "replace").splitlines())
    whole = (line.groups() for line in found if line)
    return [
        Ending(datetime.fromisoformat(at), reason, bytes.fromhex(digest))
        for at, reason, digest in whole
    ]


def write(file: Path, endings: Iterable[Ending]) -> None:
    """Add these, on a line of their own even after one that broke off."""
    lines = [f"{one.at.isoformat()} {one.reason} {one.digest.hex()}\n" for one in endings]
    if not lines:
        return
    with os.fdopen(os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "rb+") as journal:
        broken = journal.seek(0, os.SEEK_END) and (journal.seek(-1, 2), journal.read(1))[1] != b"\n"
        journal.write(("\n" * broken + "".join(lines)).encode("ascii"))
        journal.flush()
        os.fsync(journal.fileno())
