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
LOGIN = re.compile(r"(?<=://)[^\s/\"'@]*(:[^\s\"']*)?@")
NAMED = re.compile(
    r"((?:password|passwd|secret|token|csrf_token|sid|signature|api_?key|authorization|cookie)"
    r"[\"']?\s*[=:]\s*[\"']?(?:(?:basic|bearer|token)\s+)?)[^\s\"'&,;)}]+",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)+")


def mask(text: str) -> str:
    """The text without what would open something for whoever reads it."""
    text = TOKEN.sub(MASK, text)
    text = LINK.sub(rf"\1/{MASK}", text)
    text = LOGIN.sub(f"{MASK}@", text)
    return NAMED.sub(rf"\1{MASK}", text)


def veil(text: str, key: str) -> str:
    """The text with a sign for each e-mail address: the same for the same, and told by nobody."""
    return ADDRESS.sub(lambda found: _sign(found[0], key), text)


def _sign(address: str, key: str) -> str:
    return (
        f"mail:{hmac.new(key.encode(), address.lower().encode(), hashlib.sha256).hexdigest()[:12]}"
    )
