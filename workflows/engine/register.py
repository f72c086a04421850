"""The register of letters: what each is about, who gets it now, and what it says then.

What would surprise a reader: a letter may be missing here. Another version of Usher posted it, as
happens during an upgrade, and it waits for a worker of that one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workflows.engine import history
from workflows.engine.rations import Ration

Made = tuple[str, dict[str, Any]] | None  # an address and facts; None: nobody wants it any more
Recipe = Callable[[Any, Any], Made]
Heard = Callable[[Any], None] | None


@dataclass(frozen=True)
class Registered:
    about: type[Any]
    recipe: Recipe
    ration: Ration | None
    unwanted: Callable[[str], bool] | None  # keeps it back, and who caused it cannot tell
    bounced: Heard


REGISTER: dict[str, Registered] = {}


class UnknownLetter(Exception):
    """No letter of this name is registered."""


def of(template: str) -> Registered:
    """What is known of these letters; raises `UnknownLetter`."""
    if template not in REGISTER:
        raise UnknownLetter(template)
    return REGISTER[template]


def moved(letter: Any) -> None:
    """The line of whoever this letter is about says something else now."""
    if known := REGISTER.get(letter.template):
        history.moved(known.about.__tablename__, letter.about_id)
