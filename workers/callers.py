"""Callers: tell a program of the operators what the webhook is for.

What would surprise a reader: a redirect is not followed. The address is the operator's own
setting, and whoever answers there cannot send us to another.
"""

from __future__ import annotations

import time
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from workflows.engine import webhooks
from workflows.engine.settings import settings
from workflows.engine.webhooks import Claim

PATIENCE = 5  # seconds for each step of a call

_opener = OpenerDirector()  # with nothing in it that follows a redirect or opens a file
for _part in (
    ProxyHandler, HTTPHandler, HTTPSHandler, UnknownHandler, HTTPErrorProcessor,
    HTTPDefaultErrorHandler,
):  # fmt: skip
    _opener.add_handler(_part())


def call_out() -> None:
    """Make the calls that are due, one after the other, until one is not taken."""
    while claim := webhooks.claim():
        reply, taken = _call(claim)
        webhooks.answered(claim, reply, taken=taken)
        if not taken:
            return


def _call(claim: Claim) -> tuple[str, bool]:
    """What was answered, in words, and whether that was a yes."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Usher",
        "Usher-Call": str(claim.call_id),  # the same for every try, to drop a repeat
        "Usher-Signature": webhooks.signature(claim.body, int(time.time())),
    }
    request = Request(settings().alarm_webhook, claim.body, headers)
    try:
        with _opener.open(request, timeout=PATIENCE) as answer:
            return f"It answered {answer.status}.", True
    except HTTPError as error:
        return f"It answered {error.code}.", False
    except (OSError, HTTPException, ValueError) as error:
        return f"It does not answer ({_name(error)}).", False


def _name(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    return type(reason).__name__ if isinstance(reason, Exception) else str(reason)
