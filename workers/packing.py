"""Letters as bytes. They depend on the letter alone, so that a repeat is the same mail."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Literal

from workflows.engine import stationery
from workflows.engine.envelopes import Envelope
from workflows.engine.identity import parse_address
from workflows.engine.settings import settings

LINES = SMTP.clone(max_line_length=76)  # the most that encoded words and encoded text may have
SHORT = 66  # a subject that fits on the first line


@dataclass(frozen=True)
class Mail:
    """A letter ready to leave: one recipient, and the bytes that every attempt sends."""

    to: str
    message_id: str
    content: bytes


@dataclass(frozen=True)
class Answer:
    """What became of a letter, and in whose words. `later`: it may work another time."""

    outcome: Literal["sent", "later", "bounced"]
    reply: str


def pack(envelope: Envelope) -> Mail:
    """Fill in the letter and wrap it up. Raises `Invalid` when the address is none."""
    spelling, key = parse_address(envelope.to)
    # The name as the person writes it, the domain as mail servers do: in ASCII.
    to = f"{spelling.rpartition('@')[0]}@{key.rpartition('@')[2]}"
    written = stationery.write(envelope.template, spelling, envelope.facts)
    message = EmailMessage(policy=LINES)
    message["From"] = settings().mail_from
    message["To"] = Address(addr_spec=to)
    message["Subject"] = _Subject(written.subject)
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = envelope.message_id
    message["Auto-Submitted"] = "auto-generated"
    if never := envelope.facts.get("never_url"):  # RFC 8058
        message["List-Unsubscribe"] = _AsItIs(f"<{never}>")
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(written.text, cte="quoted-printable")
    message.add_alternative(written.html, subtype="html", cte="quoted-printable")
    # "=_" cannot stand in quoted-printable text, so the boundary is never in a part.
    message.set_boundary(f"=_{hashlib.sha256(envelope.message_id.encode()).hexdigest()[:24]}")
    return Mail(to, envelope.message_id, message.as_bytes())


class _Subject(str):
    """A subject that is written as it is or encoded as a whole, never decoded first.

    Given plain text, the library would decode what looks encoded in it: a name could hold the end
    of a line, and with it a header, or a letter, of its own. It also loses spaces when it folds.
    """

    name = "Subject"

    def fold(self, *, policy: EmailPolicy) -> str:
        plain = self.isascii() and "=?" not in self and len(self) < SHORT
        header = Header(str(self), "us-ascii" if plain else "utf-8", 76, self.name)
        return f"{self.name}: {header.encode(linesep=policy.linesep)}{policy.linesep}"


class _AsItIs(str):
    """An address of ours on one line, however long: the library would encode what it cannot fold,
    and no mail program could press that."""

    name = "List-Unsubscribe"

    def fold(self, *, policy: EmailPolicy) -> str:
        return f"{self.name}: {self}{policy.linesep}"
