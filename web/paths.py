"""What a path of the built-in repository means, and where it really leads.

What would surprise a reader: there is no cleaning. A path that does not already name one place in
the one plain way is refused, and what it names counts only after symlinks are resolved.
"""

from __future__ import annotations

import os
from pathlib import Path

from werkzeug.exceptions import BadRequest, NotFound


def parse(path: str) -> list[str]:
    """The segments of a path as WSGI gives it, the last one empty for a folder."""
    try:
        text = path.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise BadRequest("This path is not UTF-8.") from None
    places = text.split("/")
    if not _plain(text):
        raise BadRequest("This path holds signs that no file here has in its name.")
    if {".", ".."} & set(places):
        raise BadRequest("A path with “.” or “..” in it is not answered.")
    if "" in places[:-1] or any(place.startswith(".") for place in places):
        raise nothing()
    return places


def nothing() -> NotFound:
    """The one answer for what is not there and what may not be seen."""
    return NotFound("There is no such file in this repository.")


def locate(root: Path, *places: str) -> Path:
    """Where this really is; `NotFound` when that is nowhere, hidden, or outside the folder.

    `root` has no symlinks left in it.
    """
    try:
        found = Path(os.path.realpath(os.path.join(root, *places), strict=True))
        inside = found.relative_to(root)
    except (OSError, ValueError):
        raise nothing() from None
    if any(part.startswith(".") for part in inside.parts):
        raise nothing()
    return found


def listed(root: Path, *places: str) -> list[os.DirEntry[str]]:
    """What is in a folder and would also be served, by name."""
    try:
        with os.scandir(locate(root, *places)) as entries:
            return sorted((e for e in entries if _seen(root, e)), key=lambda entry: entry.name)
    except OSError:
        raise nothing() from None


def _seen(root: Path, entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or not _plain(entry.name):
        return False
    try:
        return bool(locate(root, entry.path))
    except NotFound:
        return False


def _plain(text: str) -> bool:
    return text.isprintable() and "\\" not in text
