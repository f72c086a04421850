"""How each client is given a token: the lines of the letter, in steps for the page.

What would surprise a reader: the page never holds a token. The lines are those of the letter, from
the same template, with a word in the place where readers put in their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import current_app

from workflows.engine.settings import settings

TABS = {
    "conda": "conda",
    "mamba": "mamba, pixi",
    "pip": "pip",
    "uv": "uv",
    "curl": "curl",
}
# In the order of the letter: what to do, and how many of its lines do it.
STEPS = {
    "conda": [("Tell conda where the packages are", 2), ("Set the token", 1)],
    "mamba": [("Install with mamba", 1), ("Or add the channel to a pixi workspace", 1)],
    "pip": [("Install a package", 1)],
    "uv": [("Tell uv where the packages are, and the token", 3), ("Install a package", 1)],
    "curl": [("Download a file", 1)],
}
# The reader's own words in a line; not the TOKEN inside CONDA_TOKEN_REPO_URL.
OWN = re.compile(r"(?<![A-Z_])(TOKEN|PACKAGE|FILE)(?![A-Z_])")


@dataclass(frozen=True)
class Step:
    """What to do, and the text that does it in pieces: each with whether it is the reader's own."""

    title: str
    pieces: list[tuple[str, bool]]


def steps(client: str) -> list[Step]:
    """The steps for this client, one of TABS."""
    lines = iter(_lines()[client])
    return [
        Step(title, _pieces("\n".join(next(lines) for _ in range(count))))
        for title, count in STEPS[client]
    ]


def _lines() -> dict[str, list[str]]:
    """The letter's lines for each client, which come there in the order of TABS."""
    base = settings().base_url
    known = {"token": "TOKEN", "base_url": base, "repo_url": f"{base}/repo/"}
    letter = current_app.jinja_env.get_template("email/commands.jinja").make_module(known)
    clients = letter.clients  # type: ignore[attr-defined]
    return dict(zip(TABS, (lines for _, lines in clients), strict=True))


def _pieces(text: str) -> list[tuple[str, bool]]:
    parts = OWN.split(text)  # every second one is a word of the reader's own
    return [(part, place % 2 == 1) for place, part in enumerate(parts) if part]
