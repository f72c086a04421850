"""Links and secrets that can be made again, and so need not be kept.

A link is a signed id with a purpose and a generation; when it ends is in the row. A token's secret
is computed from a key of the operator and a nonce of the row: the letter can be written twice with
the same secret, while the database alone, or the key alone, gives nothing away.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from workflows.engine.refusals import NotFound
from workflows.engine.settings import settings

PREFIX = "ush"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SHAPE = re.compile(rf"{PREFIX}[a-z][0-9A-Za-z]{{44}}")  # conda cuts a token at anything else


def seal(purpose: str, row_id: int, generation: int = 0) -> str:
    """The last part of a link to this row, good for this purpose only."""
    return str(_sealer(purpose).dumps([row_id, generation]))


def unseal(purpose: str, sealed: str) -> tuple[int, int]:
    """The row's id and the generation in a link; `NotFound` when we never sealed it."""
    try:
        row_id, generation = _sealer(purpose).loads(sealed)
    except (BadSignature, UnicodeError):
        raise NotFound(
            "This link is not complete. Copy all of it from the letter, or ask for a new one."
        ) from None
    return row_id, generation


def _sealer(purpose: str) -> URLSafeSerializer:
    keys = [*reversed(settings().old_keys), current_app.config["SECRET_KEY"]]  # the last one signs
    return URLSafeSerializer(keys, salt=purpose)


def opened(signer: Any, signed: str) -> Any:
    """What was signed with this, however long ago; None when it was not.

    Its age is not asked: a clock that is behind would not believe what its neighbour signed.
    """
    try:
        return signer.loads(signed)
    except (BadSignature, UnicodeError):
        return None


def nonce() -> bytes:
    """What makes one generation of a secret different from all others."""
    return secrets.token_bytes(16)


def current_key_id() -> str:
    """The epoch whose key new secrets are made with."""
    return next(iter(settings().epochs))


def make_secret(kind: str, row_id: int, generation: int, nonce: bytes, key_id: str) -> str:
    """The secret of this row and generation: always the same, 48 letters and digits.

    `kind` is one small letter. Raises KeyError when the key of that epoch was destroyed.
    """
    epoch = hmac.digest(settings().epochs[key_id].encode(), b"usher/secret/v1", "sha256")
    message = b"%b|%d|%d|%b" % (kind.encode(), row_id, generation, nonce)
    body = PREFIX + kind + _base62(hmac.digest(epoch, message, "sha256"), 38)
    return body + _checksum(body)


def digest(secret: str) -> bytes:
    """What the database keeps of a secret. It needs no salt: the secret has 226 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def well_formed(secret: str) -> bool:
    """Whether this could be one of our secrets, told without asking the database."""
    return bool(SHAPE.fullmatch(secret)) and _checksum(secret[:-6]) == secret[-6:]


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()).to_bytes(4), 6)


def _base62(number: bytes, length: int) -> str:
    left, digits = int.from_bytes(number), ""
    for _ in range(length):
        left, digit = divmod(left, 62)
        digits = DIGITS[digit] + digits
    return digits
