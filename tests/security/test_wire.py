"""A real server, as the embedded mode runs it, and whoever speaks to it without a browser."""

import contextlib
import random
import socket
import threading
import time

import pytest
from security.corpora import EVIL
from waitress import create_server, wasyncore

pytestmark = pytest.mark.sqlite
PATIENCE, SILENCE = 60, 1  # seconds: for what must come, and until no answer is one
HOST = b"Host: 127.0.0.1\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = b"POST /login HTTP/1.1\r\n" + HOST + FORM + b"Transfer-Encoding: chunked\r\n"
REQUESTS = [
    b"", b"\r\n", b"\r\n\r\n\r\n\r\n", b"\0" * 100 + b"\r\n\r\n", bytes(range(256)) + b"\r\n\r\n",
    b"GET\r\n\r\n", b"GET / \r\n\r\n", b"GET  /  HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1 x\r\n\r\n", b"get / http/1.1\r\n\r\n", b" GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\n\n", b"GET / HTTP/1.1\r\r\n\r\n", b"GET /\0 HTTP/1.1\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n", b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET // HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET //evil.test/login HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET http://evil.test/profile HTTP/1.1\r\n" + HOST + b"\r\n",
    b"CONNECT evil.test:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"G" * 9000 + b" / HTTP/1.1\r\n\r\n", b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n", b"GET /login HTTP/1.1\r\n" + HOST * 2 + b"\r\n",
    b"GET /login HTTP/1.1\r\nHost: evil.test\r\n" + HOST + b"\r\n",
    b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X\r\n\r\n", b"GET / HTTP/1.1\r\n" + HOST + b": x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X y: z\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b" x: y\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: \x01\x7f\xff\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 300_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 20_000 + b"\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: " + b"a=b; " * 20_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: 5, 6\r\n\r\nhello!",
    b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nhello",
    b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: 0x5\r\n\r\nhello",
    b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 99 + b"\r\n\r\n",
    b"POST /login HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 5\r\n\r\n" + b"x" * 50_000,
    b"POST /login HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 9999999999\r\n\r\n",
    b"POST /login HTTP/1.1\r\n" + HOST + FORM
    + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
    CHUNKED + b"\r\nzz\r\n\r\n", CHUNKED + b"\r\n-5\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"\r\n5\r\nhel",
    CHUNKED + b"\r\n" + b"F" * 40 + b"\r\n",
    CHUNKED + b"\r\n5;" + b"x" * 9000 + b"\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"\r\n5\r\nhelloXX0\r\n\r\n", CHUNKED + b"\r\n0\r\nX: y\r\n\r\n",
    CHUNKED + b"\r\n\r\n",
    CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\nGET /profile HTTP/1.1\r\n" + HOST + b"\r\n",
    b"POST /login HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /login HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"POST /login HTTP/1.1\r\n" + HOST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"GET /login HTTP/1.1\r\n" + HOST + b"X-Forwarded-Host: evil.test\r\nForwarded: host=x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(99),
    b"GET /login HTTP/1.1\r\n" + HOST + b"\r\n" + b"GET / HTTP/1.1\r\n" + HOST + b"\r\n" * 60,
]  # fmt: skip


@pytest.fixture
def port(town):
    """Where a server with the whole site listens, as `launch.py` starts it."""
    sockets, stop = {}, threading.Event()
    server = create_server(
        town.app, map=sockets, host="127.0.0.1", port=0, threads=8, ident=None,
        clear_untrusted_proxy_headers=True,
    )  # fmt: skip

    def run():
        while not stop.is_set():
            wasyncore.loop(0.05, map=sockets, count=1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield server.effective_port
    stop.set()
    thread.join(5)
    server.task_dispatcher.shutdown()
    wasyncore.close_all(sockets)


def say(port, request, wait=SILENCE):
    """What comes back: all of it, or what is there once the server waits for more from us."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), PATIENCE)) as wire:
        answer = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            wire.sendall(request)
            wire.settimeout(wait)
            while more := wire.recv(65536):
                answer += more
                wire.settimeout(SILENCE / 10)
        return answer


def statuses(answer):
    lines = (line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1."))
    return [int(line.split(b" ")[1]) for line in lines]


def test_whatever_comes_down_the_wire_crashes_nothing_and_nobody_hangs(town, port):
    answered = 0
    for request in REQUESTS:
        answer = say(port, request)
        answered += bool(answer)

        assert not town.crashes, request[:200]
        assert all(status < 500 or status == 501 for status in statuses(answer)), request[:200]
        assert EVIL.encode() not in answer, request[:200]
    assert answered > len(REQUESTS) * 0.8
    assert statuses(say(port, b"GET /login HTTP/1.0\r\n\r\n", PATIENCE)) == [200]


def test_two_lengths_of_one_body_are_never_two_requests(port):
    """A front and we must agree where a request ends; else one person gets another's answer."""
    smuggled = b"GET /profile HTTP/1.1\r\n" + HOST + b"\r\n"
    both = CHUNKED + b"Content-Length: %d\r\n\r\n0\r\n\r\n" % (5 + len(smuggled)) + smuggled

    assert len(statuses(say(port, both, PATIENCE))) == 1


def test_those_who_dawdle_keep_nobody_else_waiting(port):
    """Forty senders that never come to an end, and one who does."""
    beginnings = (
        b"GET /log", b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\nemail=",
        CHUNKED + b"\r\n5\r\nhel", b"GET / HTTP/1.1\r\nX: ",
    )  # fmt: skip
    with contextlib.ExitStack() as open_wires:
        for number in range(40):
            wire = socket.create_connection(("127.0.0.1", port), PATIENCE)
            open_wires.enter_context(contextlib.closing(wire))
            wire.sendall(beginnings[number % len(beginnings)])
        time.sleep(0.2)

        assert statuses(say(port, b"GET /login HTTP/1.0\r\n\r\n", PATIENCE)) == [200]


def test_requests_with_any_byte_changed_crash_nothing(town, port, full):
    good = (
        b"POST /login HTTP/1.1\r\n"
        + HOST
        + FORM
        + b"Content-Length: 21\r\n\r\nemail=a%40b&password=c"
    )
    dice = random.Random(7)
    answered, number = 0, 500 if full else 50
    for _ in range(number):
        changed = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        answer = say(port, bytes(changed))

        assert not town.crashes, bytes(changed)
        assert all(status < 500 or status == 501 for status in statuses(answer)), bytes(changed)
        answered += bool(answer)
    assert answered > number / 2
