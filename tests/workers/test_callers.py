"""The webhook: signed, in order, tried again, and never led anywhere else."""

import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlalchemy import select

from workers import callers
from workflows.engine import webhooks
from workflows.engine.db import command, db
from workflows.engine.webhooks import Call

KEY = "a key for alarms, long enough to be one"


class Receiver(BaseHTTPRequestHandler):
    """Takes down what it hears and answers what the test says."""

    heard, answers = [], []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((self.path, dict(self.headers), body))
        status = self.answers.pop(0) if self.answers else 204
        self.send_response(status)
        if status in (302, 307):
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver(settings):
    Receiver.heard, Receiver.answers = [], []
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.alarm_webhook = f"http://127.0.0.1:{server.server_port}/alarms?of=usher"
    settings.alarm_key = KEY
    yield Receiver
    server.shutdown()
    server.server_close()


@command
def post(**facts):
    webhooks.post(facts)


def calls():
    found = db.session.scalars(select(Call).order_by(Call.id).execution_options(
        populate_existing=True))  # fmt: skip
    return [(call.taken, call.reply) for call in found]


def test_a_call_is_signed_with_its_time(app, receiver):
    post(event="raised", title="Ünlisted “letter”")

    callers.call_out()

    [(path, headers, body)] = receiver.heard
    assert path == "/alarms?of=usher"
    assert json.loads(body) == {"event": "raised", "title": "Ünlisted “letter”"}
    at, _, sign = headers["Usher-Signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(KEY.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
    assert hmac.compare_digest(sign, expected)
    assert calls() == [(True, "It answered 204.")]


def test_what_is_not_taken_waits_and_the_rest_behind_it(app, receiver, settings):
    receiver.answers = [500, 200]
    post(event="raised")
    post(event="over")

    callers.call_out()
    assert calls() == [(False, "It answered 500."), (False, None)]
    callers.call_out()
    assert len(receiver.heard) == 1

    settings.clock_offset += 60
    callers.call_out()
    assert calls() == [(True, "It answered 200."), (True, "It answered 204.")]
    assert [json.loads(body)["event"] for *_, body in receiver.heard] == ["raised"] * 2 + ["over"]
    first, again, _ = [headers["Usher-Call"] for _, headers, _ in receiver.heard]
    assert first == again


@pytest.mark.parametrize("status", [302, 307])
def test_nobody_leads_it_anywhere_else(app, receiver, status):
    receiver.answers = [status]
    post(event="raised")

    callers.call_out()

    assert [path for path, *_ in receiver.heard] == ["/alarms?of=usher"]
    assert calls() == [(False, f"It answered {status}.")]


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "file:///etc/passwd", "ftp://x/"])
def test_where_nobody_answers_the_call_waits(app, settings, address):
    settings.alarm_webhook, settings.alarm_key = address, KEY
    post(event="raised")

    callers.call_out()

    [(taken, reply)] = calls()
    assert not taken
    assert "does not answer" in reply
