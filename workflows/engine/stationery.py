"""What a letter looks like on paper: its template filled in, as plain text and as HTML.

Which letters there are and what they say is not known here. Every letter is a pair of templates,
`email/NAME.txt` and `email/NAME.html`; the text begins with its subject. What people typed is
cleaned once more, so that no name can add a line or a link to a letter. What would surprise a
reader: a fact called `…url` is a link of ours and one called `…email` an address; no other is one.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import css_inline
from flask import current_app
from jinja2 import Environment, StrictUndefined, select_autoescape

from workflows.engine.settings import settings

COLUMNS = 72
VERBATIM = "    "  # a link or a command, on lines of its own
SIGNATURE = "-- \n"
# What mail programs make a link of by themselves, and an address, which may be written.
LINKED = re.compile(r"(?<=:)(?=//)|(?<=\bwww[.])(?=\S)|(?<=\w[.．])(?=[^\W\d_]{2})", re.I)
ADDRESS = re.compile(r"[(<\"]*[^\s@<>()\"/]+@[\w.-]+[)>\",.:;]*")
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
    paper = _paper()
    filled = paper.get_template(f"email/{template}.txt").render(known)
    first, _, rest = filled.partition("\n")
    subject = first.removeprefix("Subject: ").strip()
    html = paper.get_template(f"email/{template}.html").render(known, subject=subject)
    return Written(subject, _fold(rest), _inliner().inline(html))


def _paper() -> Environment:
    """Templates as letters read them: the same behind every door, and no fact may be missing."""
    kept = current_app.extensions
    if "stationery" not in kept:
        kept["stationery"] = Environment(
            loader=current_app.jinja_loader,
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
        )
    return cast(Environment, kept["stationery"])


@cache
def _inliner() -> css_inline.CSSInliner:
    """Many mail programs read no style block; those that do find what depends on the screen."""
    return css_inline.CSSInliner(
        keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False
    )


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
    return {name: _clean_one(name, fact) for name, fact in facts.items()}


def _clean_one(name: str, fact: Any) -> Any:
    if not isinstance(fact, str):
        return fact
    line = _in_a_line(fact)
    return line if name == "to" or name.endswith(("url", "email")) else _without_links(line)


def _in_a_line(text: str) -> str:
    """Without anything that ends a line or turns its direction."""
    seen = (" " if unicodedata.category(sign) in UNPRINTABLE else sign for sign in text)
    return " ".join("".join(seen).split())


def _without_links(line: str) -> str:
    """What looks like a web address is opened by a space: readable, and nothing to click."""
    words = (word if ADDRESS.fullmatch(word) else LINKED.sub(" ", word) for word in line.split())
    return " ".join(words)


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
