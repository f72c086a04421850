"""Causes: what a letter failed of, in words that all letters share that fail alike.

A mail server's answer has queue numbers, addresses and times in it; its codes do not. What Usher
says itself is the same for all but for numbers.
"""

from __future__ import annotations

import re

FAILED = {"pending", "bounced", "dead"}
CODES = re.compile(r"(\d{3})(?:[ -]+(\d\.\d{1,3}\.\d{1,3}))?\b")
PLACE = re.compile(r"\(at ([A-Z ]+)\)")
NUMBER = re.compile(r"\d+")
LONGEST = 100


def of(reply: str | None, state: str = "dead") -> str | None:
    """The cause for this answer; None for a letter in a state in which nothing failed."""
    if not reply or state not in FAILED:
        return None
    if codes := CODES.match(reply):
        place = PLACE.search(reply)
        words = [*filter(None, codes.groups()), *([f"at {place[1]}"] if place else [])]
        return " ".join(words)
    return NUMBER.sub("#", reply)[:LONGEST]
