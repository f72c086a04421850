"""The ways out for letters: a mail server, or the mailbox of the embedded mode.

A way out is entered for a batch and answers for each letter `sent`, `later` (it may work another
time) or `bounced` (it never will). What would surprise a reader: every letter has a deadline of
its own, since a mail server that sends one byte a second keeps within every time-out.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import parseaddr
from threading import Timer
from typing import Any, Protocol
from urllib.parse import urlsplit

from workers.mailbox import Mailbox
from workers.packing import Answer, Mail
from workflows.engine import masks
from workflows.engine.mail_servers import Server
from workflows.engine.outbox import LEASE
from workflows.engine.settings import settings

LETTER_SECONDS = 0.4 * LEASE.total_seconds()  # for one letter, connecting included
ANSWER_SECONDS = 8.0  # for connecting, and for each answer but the last
LONGEST_REPLY = 300


class WayOut(Protocol):
    """Where letters leave."""

    def __enter__(self) -> WayOut: ...
    def __exit__(self, *_: object) -> None: ...
    def send(self, mail: Mail) -> Answer:
        """Let one letter out. Never raises; never takes longer than LETTER_SECONDS."""
        ...


def way_out() -> WayOut:
    """The one that the settings name."""
    if folder := settings().mailbox:
        return Mailbox(folder)
    return Smtp(settings().smtp_url, settings().mail_from, urlsplit(settings().base_url).hostname)


class Away(Exception):
    """The mail server cannot be used now; the message says why, for the letter's history."""


class Smtp:
    """A mail server. One connection serves a batch.

    Once it cannot be opened, the rest of the batch waits for later without another try: the
    trouble is the server's, not the letters'.
    """

    def __init__(self, url: str, sender: str, name: str | None) -> None:
        self._server, self._sender = Server.at(url), parseaddr(sender)[1]
        if "@" not in self._sender or not self._sender.isascii():
            raise ValueError("MAIL_FROM must be an e-mail address in ASCII")
        self._name = f"[{name}]" if name and not name.strip("0123456789.") else name
        self._wire = _Wire()
        self._line: _Line | None = None
        self._away: str | None = None

    def __enter__(self) -> Smtp:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, smtplib.SMTPException), self._wire.cut_after(ANSWER_SECONDS):
            if self._line:
                self._line.quit()
        self._hang_up()

    def send(self, mail: Mail) -> Answer:
        """Hand over one letter."""
        if self._away:
            return Answer("later", self._away)
        with self._wire.cut_after(LETTER_SECONDS):
            try:
                return self._hand_over(mail, self._ready_line())
            except Away as reason:
                self._away = str(reason)
                return Answer("later", self._away)
            except (OSError, smtplib.SMTPException) as error:
                self._hang_up()
                return Answer("later", f"The connection broke: {_in_words(error)}")

    def greet(self) -> dict[str, Any] | None:
        """Connect, agree on encryption, log in; answers the server's certificate, if any.

        Raises `Away` with the reason. No letter leaves.
        """
        with self._wire.cut_after(LETTER_SECONDS):
            wire = self._ready_line().sock
            return wire.getpeercert() if isinstance(wire, ssl.SSLSocket) else None

    def _hand_over(self, mail: Mail, line: _Line) -> Answer:
        code, words = line.mail(self._sender)
        if code // 100 != 2:  # our own address is refused: the letter may be as good as any
            return Answer("later", f"{code} {_quiet(words)} (at MAIL FROM)")
        code, words = line.rcpt(mail.to)
        if code // 100 != 2:
            return _no(code, words, "RCPT TO")
        try:
            code, words = line.data(mail.content)
        except smtplib.SMTPDataError as error:  # refused before it was read
            return _no(error.smtp_code, error.smtp_error, "DATA")
        if code // 100 != 2:
            return _no(code, words, "DATA")
        return Answer("sent", f"{code} {_quiet(words)}")

    def _ready_line(self) -> _Line:
        """A connection on which a letter can begin: the last one, if the server still listens."""
        if self._line and not self._line.listens():
            self._hang_up()
        if self._line is None:
            try:
                self._line = _Line(self._server, self._name, self._wire)
                self._line.introduce(self._server)
            except smtplib.SMTPAuthenticationError as error:  # its words may repeat what we sent
                raise self._gone(f"{error.smtp_code} The login in SMTP_URL is refused.") from None
            except ssl.SSLError as error:
                raise self._gone(f"No trusted connection: {_in_words(error)}") from None
            except (OSError, smtplib.SMTPException) as error:
                raise self._gone(f"No connection: {_in_words(error)}") from None
        return self._line

    def _gone(self, why: str) -> Away:
        self._hang_up()
        return Away(why)

    def _hang_up(self) -> None:
        if self._line:
            self._line.close()
        self._wire.let_go()
        self._line = None


class _Wire:
    """The connection underneath, held a second time: a handshake keeps the first for itself."""

    def __init__(self) -> None:
        self._held: socket.socket | None = None
        self._ends_at = 0.0

    def hold(self, connection: socket.socket) -> None:
        self.let_go()
        self._held = connection.dup()
        if time.monotonic() > self._ends_at:
            self._cut()

    def let_go(self) -> None:
        held, self._held = self._held, None
        if held:
            held.close()

    @contextmanager
    def cut_after(self, seconds: float) -> Iterator[None]:
        """Whoever reads or writes after so long finds the connection broken."""
        self._ends_at = time.monotonic() + seconds
        timer = Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        with suppress(OSError):
            if self._held:
                self._held.shutdown(socket.SHUT_RDWR)


class _Line(smtplib.SMTP):
    """A conversation with the server."""

    def __init__(self, server: Server, name: str | None, wire: _Wire) -> None:
        self._wire = wire
        self._context = ssl.create_default_context() if server.tls != "off" else None
        self._at_once = self._context if server.tls == "always" else None
        super().__init__(server.host, server.port, name, ANSWER_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        self._wire.hold(plain)
        return self._at_once.wrap_socket(plain, server_hostname=host) if self._at_once else plain

    def introduce(self, server: Server) -> None:
        """Agree on encryption and log in."""
        self.ehlo_or_helo_if_needed()
        if server.tls == "starttls":
            self.starttls(context=self._context)
            self.ehlo_or_helo_if_needed()
        if server.login:
            self.login(*server.login)

    def data(self, content: Any) -> tuple[int, bytes]:
        """Servers may look at a letter for long before they answer."""
        assert self.sock
        self.sock.settimeout(LETTER_SECONDS)
        answer = super().data(content)
        self.sock.settimeout(ANSWER_SECONDS)
        return answer

    def listens(self) -> bool:
        """Whether the next letter may begin."""
        with suppress(OSError, smtplib.SMTPException):
            return self.rset()[0] == 250
        return False


def _no(code: int, words: bytes | str, verb: str) -> Answer:
    return Answer("bounced" if code // 100 == 5 else "later", f"{code} {_quiet(words)} (at {verb})")


def _in_words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_quiet(error.smtp_error)}"
    words = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    return _quiet(words or type(error).__name__)


def _quiet(words: bytes | str) -> str:
    """The server's words on one line, without a secret that it may have read in the letter."""
    text = words.decode("ascii", "replace") if isinstance(words, bytes) else words
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return masks.mask(" ".join(printable.split()))[:LONGEST_REPLY]
