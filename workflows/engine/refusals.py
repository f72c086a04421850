"""The ways Usher says no. The message is a sentence a person will read, with a period."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from math import ceil
from typing import Any


class Refusal(Exception):
    """No, and nothing was changed."""


class NotAllowed(Refusal):
    """You may not do this."""


class NotNow(Refusal):
    """This cannot be done in the state things are in."""


class NotFound(Refusal):
    """There is no such thing, or none that you may see."""


class TooOften(Refusal):
    """This was done too often; `wait` is how long until it may be done again."""

    def __init__(self, sentence: str, wait: timedelta) -> None:
        super().__init__(sentence)
        self.wait = wait


class Unavailable(Refusal):
    """Something Usher stands on is away or overloaded; the same may work in a moment."""


class Invalid(Refusal):
    """What was typed cannot be used; `fields` says why, one sentence for each field."""

    def __init__(self, **fields: str) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields


def all_of(*rules: Callable[[], Any]) -> list[Any]:
    """What each rule answers, or one `Invalid` with everything that is wrong at once."""
    answers, problems = [], dict[str, str]()
    for rule in rules:
        try:
            answers.append(rule())
        except Invalid as refusal:
            problems |= refusal.fields
    if problems:
        raise Invalid(**problems)
    return answers


def why_not(rule: Callable[..., Any], *about: Any, **more: Any) -> str | None:
    """What a rule says against it, for a button that cannot be pressed; None if nothing."""
    try:
        rule(*about, **more)
    except Refusal as refusal:
        return str(refusal)
    return None


def why_not_each(
    rule: Callable[..., Any], rows: Iterable[Any], *about: Any, **more: Any
) -> dict[int, str]:
    """What a rule says against some of these, by their ids; nothing of those that it lets pass."""
    answers = {row.id: why_not(rule, row, *about, **more) for row in rows}
    return {one: sentence for one, sentence in answers.items() if sentence}


def in_words(wait: timedelta) -> str:
    """In 30 seconds; in 4 minutes; tomorrow: never earlier than it is true."""
    seconds = max(1, ceil(wait.total_seconds()))
    if 16 * 3600 <= seconds <= 24 * 3600:
        return "tomorrow"
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
    unit, size = next(one for one in units if seconds >= one[1])
    number = ceil(seconds / size)
    return f"in {number} {unit}{'s' * (number != 1)}"
