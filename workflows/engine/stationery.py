"""What a letter looks like on paper: its template filled in, as plain text and as HTML.

Which letters there are and what they say is not known here. Every letter is a pair of templates,
`email/NAME.txt` and `email/NAME.html`; the text begins with its subject. What people typed is
cleaned once more, so that no name can add a line to a letter or to its head.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import render_template

from workflows.engine.settings import settings

COLUMNS = 72
VERBATIM = "    "  # a link or a command, on lines of its own
SIGNATURE = "-- \n"
UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@dataclass(frozen=True)
class Written:
    """A letter ready to be read."""

    subject: str
    text: str
    html: str


def write(template: str, to: str, facts: dict[str, Any]) -> Written:
    """Fill in both forms of a letter to this address."""
    known = {**_everywhere(), **_clean({**facts, "to": to})}
    first, _, rest = render_template(f"email/{template}.txt", **known).partition("\n")
    subject = first.removeprefix("Subject: ").strip()
    html = render_template(f"email/{template}.html", subject=subject, **known)
    return Written(subject, _fold(rest), html)


def _everywhere() -> dict[str, Any]:
    """What every letter may mention."""
    ours = settings()
    return {
        "product_name": ours.product_name,
        "support_url": ours.support_url,
        "base_url": ours.base_url,
        "day": day,
        "moment": moment,
    }


def _clean(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: _in_a_line(fact) for name, fact in facts.items()}


def _in_a_line(fact: Any) -> Any:
    """Text without anything that ends a line or turns its direction; other facts as they are."""
    if not isinstance(fact, str):
        return fact
    seen = (" " if unicodedata.category(sign) in UNPRINTABLE else sign for sign in fact)
    return " ".join("".join(seen).split())


def _fold(text: str) -> str:
    """Lines of at most 72 columns, above and below the signature's dashes."""
    body, dashes, foot = text.partition(SIGNATURE)
    return f"{_fold_paragraphs(body)}\n{dashes and dashes + _fold_paragraphs(foot)}"


def _fold_paragraphs(text: str) -> str:
    """One blank line between paragraphs; links and commands stay as they are."""
    blocks = (block.strip("\n") for block in re.split(r"\n\s*\n", text))
    return "\n\n".join(_fold_block(block) for block in blocks if block.strip()) + "\n"


def _fold_block(block: str) -> str:
    if all(line.startswith(VERBATIM) for line in block.split("\n")):
        return block
    words = " ".join(block.split())
    return textwrap.fill(words, COLUMNS, break_long_words=False, break_on_hyphens=False)


def day(at: datetime) -> str:
    """4 December 2026."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y}"


def moment(at: datetime) -> str:
    """4 December 2026, 10:04 UTC."""
    return f"{day(at)}, {at.astimezone(UTC):%H:%M} UTC"
