"""An app without pages, people who act in it, and a real mail server that does as it is told."""

import asyncio
import socket

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from people import Cast

import workers
from workflows.engine.app import bare_app
from workflows.engine.db import db
from workflows.engine.settings import Settings


@pytest.fixture
def usher(tmp_path):
    """An embedded app, its context pushed; letters go to the folder `mail`."""
    app = bare_app(
        Settings(
            embedded=True,
            secret_key="a key for tests, long enough to be one",
            database_url=f"sqlite:///{tmp_path}/usher.db",
            usher_home=tmp_path,
            base_url="https://usher.example",
        )
    )
    workers.use(app)
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def people(usher):
    return Cast()


class Sink:
    """What a mail server got, and what it answers at each verb."""

    def __init__(self):
        self.mails = []
        self.recipients = []
        self.answers = {}
        self.connections = 0
        self.hang = None
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
        if answer := self._answer("DATA", envelope.rcpt_tos[0]):
            return answer
        self.recipients.append(envelope.rcpt_tos)
        self.mails.append(envelope.original_content)
        return "250 2.0.0 queued"


@pytest.fixture
def sink():
    """A mail server on a free port of this machine, without TLS."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sink = Sink()

    class Silent(Controller):
        def factory(self):
            return SMTP(self.handler, enable_SMTPUTF8=False)

    server = Silent(sink, hostname="127.0.0.1", port=port)
    server.start()
    sink.url = f"smtp://127.0.0.1:{port}"
    yield sink
    server.stop()
