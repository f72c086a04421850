"""Deliver letters.

The message in the queue is only a bell: which letters are due is in the database, and so is every
attempt. Ringing twice, or not at all, loses and repeats nothing.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time

import dramatiq

from workers import inside, mailers, packing
from workers.mailers import WayOut
from workflows.engine import outbox, receipts
from workflows.engine.envelopes import Claim
from workflows.engine.outbox import LEASE

BATCH = 20
HALF_A_LEASE = LEASE.total_seconds() / 2

log = logging.getLogger("usher.post")


@dramatiq.actor(queue_name="post", max_retries=0, time_limit=600_000)
def deliver() -> None:
    """Deliver letters until none is due, or for about half a minute."""
    begun = time.monotonic()
    while deliver_batch() and not inside.stopping and time.monotonic() - begun < HALF_A_LEASE:
        pass


def deliver_batch(limit: int = BATCH) -> int:
    """Claim some letters and let them out; answers how many were claimed.

    What there is no time for within half a lease, or before the worker stops, is given back: so
    nobody else can hold a letter that is still on the wire.
    """
    with mailers.way_out() as way:
        begun = time.monotonic()
        claims = outbox.claim(limit, _worker())
        for claim in claims:
            late = inside.stopping or time.monotonic() - begun > HALF_A_LEASE
            _deliver_or_return(claim, way, late=late)
    return len(claims)


def _deliver_or_return(claim: Claim, way: WayOut, *, late: bool) -> None:
    """Whatever goes wrong with one letter, the next one has its turn."""
    try:
        if late:
            outbox.returned(claim)
        else:
            _deliver(claim, way)
    except Exception as error:  # the lease runs out, and somebody tries again
        log.error("letter %d: not settled: %s", claim.letter_id, type(error).__name__)


def _deliver(claim: Claim, way: WayOut) -> None:
    """Compose, send, sign, mark: four moments, and no transaction is open in the second."""
    mail = _packed(claim)
    if mail is None:
        return
    answer = way.send(mail)
    if answer.outcome == "sent":
        receipts.sign(claim, answer.reply)
    mark = {"sent": outbox.sent, "later": outbox.later, "bounced": outbox.bounced}
    mark[answer.outcome](claim, answer.reply)
    log.info("letter %d: %s", claim.letter_id, answer.outcome)


def _packed(claim: Claim) -> packing.Mail | None:
    """The letter as it leaves now; None when it is moot, or cannot be written for the time."""
    try:
        envelope = outbox.compose(claim)
        return packing.pack(envelope) if envelope else None
    except Exception as error:
        log.exception("letter %d cannot be written", claim.letter_id)
        outbox.later(claim, f"Usher cannot write this letter: {type(error).__name__}.")
        return None


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"
