"""What no log and no history may hold: tokens, links that open something, passwords.

What would surprise a reader: half a token is masked too, since half of one in a log tells who
held it, and a password in an address up to its last @, since people forget to quote them.
"""

from __future__ import annotations

import hashlib
import hmac
import re

MASK = "…"
TOKEN = re.compile(r"ush[a-z][0-9A-Za-z]{8,}")
LINK = re.compile(
    r"(?<=/)(t|join|signup|reset|confirm|undo|never)/+[^/\s\"'<>?#,;)]+", re.IGNORECASE
)
AFTER_SCHEME = re.compile(r"(?<=://)[^\s\"']+")
SIGN = re.compile(r"[/:@]")
NAMED = re.compile(
    r"((?:password|passwd|secret|token|csrf_token|sid|signature|api_?key|authorization|cookie)"
    r"[\"']?\s*[=:]\s*[\"']?(?:(?:basic|bearer|token)\s+)?)[^\s\"'&,;)}]+",
    re.IGNORECASE,
)
# Looked for only where a word begins: within one of 60,000 letters it would take minutes.
LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]"
ADDRESS = re.compile(rf"(?<!{LOCAL}){LOCAL}+@[\w-]+(\.[\w-]+)+")


def mask(text: str) -> str:
    """The text without what would open something for whoever reads it."""
    text = TOKEN.sub(MASK, text)
    text = LINK.sub(rf"\1/{MASK}", text)
    text = AFTER_SCHEME.sub(_without_login, text)
    return NAMED.sub(rf"\1{MASK}", text)


def _without_login(found: re.Match[str]) -> str:
    """User and password up to the last @, in time that grows no faster than the text."""
    run = found[0]
    start, last = 0, run.rfind("@")
    while start <= last and (sign := SIGN.search(run, start)):
        if sign[0] != "/":
            return f"{run[:start]}{MASK}@{run[last + 1 :]}"
        another = run.find("://", sign.start())
        start = another + 3 if another >= 0 else len(run)
    return run


def veil(text: str, key: str) -> str:
    """The text with a sign for each e-mail address: the same for the same, and told by nobody."""
    return ADDRESS.sub(lambda found: _sign(found[0], key), text)


def _sign(address: str, key: str) -> str:
    return (
        f"mail:{hmac.new(key.encode(), address.lower().encode(), hashlib.sha256).hexdigest()[:12]}"
    )
