"""Links of letters: whoever guesses at them is soon told to wait."""

from __future__ import annotations

from flask import g

from web import peers
from workflows.engine import limits, seals
from workflows.engine.identity import network
from workflows.engine.refusals import why_not

DEAD_LINK = "This link leads nowhere"
NO_LINK = "Open the link in your letter again: it leads here."
GUESSES = "Many links that lead nowhere were opened from here."


def unseal(purpose: str, sealed: str) -> tuple[int, int]:
    """What a link that was opened leads to, and which of its generations."""
    here = network(peers.address())
    limits.require_room("links", here, sentence=GUESSES)
    if why_not(seals.unseal, purpose, sealed):
        g.title = DEAD_LINK
        limits.count("links", here, sentence=GUESSES)
    return seals.unseal(purpose, sealed)
