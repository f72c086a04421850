"""Addressees: whoever keeps what is known of an address hears what a mail server said of it.

What would surprise a reader: a letter keeps no address. Only the worker that has one in its hands
can say whose it was, and only those registered here know whether it is anybody's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

Refused = Callable[[str, str], None]
Taken = Callable[[Collection[str]], None]
REFUSED: list[Refused] = []
TAKEN: list[Taken] = []


def on_refusal(hear: Refused) -> Refused:
    """Let this hear of each address that is refused for good, and why, in that transaction."""
    REFUSED.append(hear)
    return hear


def on_taking(hear: Taken) -> Taken:
    """Let this hear of the addresses for which letters of a batch were taken, once for all."""
    TAKEN.append(hear)
    return hear


def refused(to: str, reply: str) -> bool:
    """Tell those who hear of it; True."""
    for hear in REFUSED:
        hear(to, reply)
    return True


def taken(addresses: Collection[str]) -> None:
    for hear in TAKEN if addresses else []:
        hear(addresses)
