"""Mail servers of the tests: one that takes every letter, unless it is told what to answer."""

import asyncio
import socket
from contextlib import contextmanager

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


class Sink:
    """What a mail server got, and what it answers at each verb."""

    def __init__(self):
        self.mails = []
        self.recipients = []
        self.answers = {}
        self.connections = 0
        self.hang, self.hanging = None, 0
        self.url = ""

    def say(self, verb, answer, to=None):
        """Answer so at RCPT, MAIL or DATA, always or only to this recipient."""
        self.answers[verb, to] = answer

    def _answer(self, verb, to=None):
        return self.answers.get((verb, to)) or self.answers.get((verb, None))

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        envelope.mail_from = address
        return self._answer("MAIL") or "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.hang == "RCPT":
            await asyncio.sleep(60)
        if answer := self._answer("RCPT", address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.hang == "DATA":
            self.hanging += 1
            await asyncio.sleep(60)
        if answer := self._answer("DATA", envelope.rcpt_tos[0]):
            return answer
        self.recipients.append(envelope.rcpt_tos)
        self.mails.append(envelope.original_content)
        return "250 2.0.0 queued"


class _Silent(Controller):
    def factory(self):
        return SMTP(self.handler, enable_SMTPUTF8=False)


@contextmanager
def serving(sink):
    """Let it listen on a free port of this machine, without TLS."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = _Silent(sink, hostname="127.0.0.1", port=port)
    server.start()
    sink.url = f"smtp://127.0.0.1:{port}"
    yield sink
    server.stop()
