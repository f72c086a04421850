"""Slow clients wait for themselves: what the loop reads, refuses and hands out in pieces."""

import asyncio
import threading
import time

import pytest

from web import patience
from web.patience import PIECE, THREADS, Patient, environment

LONGEST = 10 * PIECE


def scope(path=b"/", method="POST", headers=()):
    return {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http",
        "raw_path": path, "query_string": b"q=%41", "headers": list(headers),
        "client": ("192.0.2.7", 4711), "server": ("127.0.0.1", 8000),
    }  # fmt: skip


class Client:
    """Sends these pieces, takes as many pieces as it likes, and then reads nothing or goes."""

    def __init__(self, *pieces, whole=True, silent=False, takes=None, leaves=False):
        self.pieces, self.whole, self.takes, self.leaves = list(pieces), whole, takes, leaves
        self.silent = silent
        self.got, self.status, self.ended = [], None, False
        self.gone = asyncio.Event()

    async def receive(self):
        if self.pieces:
            piece = self.pieces.pop(0)
            await asyncio.sleep(0.02)
            more = bool(self.pieces) or not self.whole or self.silent
            return {"type": "http.request", "body": piece, "more_body": more}
        if self.whole:
            async with asyncio.timeout(10):
                await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
            return
        if self.takes is not None and len(self.got) >= self.takes:
            if not self.leaves:
                await asyncio.sleep(10)
                raise AssertionError("Nobody lost patience.")
            self.gone.set()
            await asyncio.sleep(0)
            return
        self.got.append(message["body"])
        self.ended = not message["more_body"]


class Pieces:
    """An answer of many pieces that knows how many were made, and whether it was closed."""

    def __init__(self, *pieces, error=None):
        self.pieces, self.error = pieces, error
        self.made, self.closed = 0, 0

    def __iter__(self):
        for piece in self.pieces:
            self.made += 1
            yield piece
        if self.error:
            raise self.error

    def close(self):
        self.closed += 1


def says(pieces, *headers, heard=None):
    """An application that reads what is sent and answers with these pieces."""

    def app(environ, start_response):
        if heard is not None:
            heard.append(environ["wsgi.input"].read())
        start_response("200 OK", list(headers))
        return pieces

    return app


def asked(app, *pieces, method="POST", headers=(), **habits):
    """The client, after it asked this application."""

    async def ask():
        client = Client(*pieces, **habits)
        asked = Patient(app, LONGEST)(
            scope(method=method, headers=headers), client.receive, client.send
        )
        await asked
        return client

    return asyncio.run(ask())


def test_a_request_is_handed_over_whole():
    heard = []

    client = asked(says([b"thanks"], heard=heard), b"email=", b"ann@acme.example")

    assert heard == [b"email=ann@acme.example"]
    assert (client.status, client.got, client.ended) == (200, [b"thanks"], True)


def test_a_request_whose_end_does_not_come_reaches_nobody():
    """Half of a list of addresses would be invited, and the last address would be another one."""
    heard = []

    client = asked(says([b"thanks"], heard=heard), b"emails=ann@acme.example, bo@ac", whole=False)

    assert heard == []
    assert client.status == 400
    assert b"Nothing was changed." in client.got[0]


def test_a_request_that_trickles_in_is_refused_and_one_that_flows_is_read(monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE", 1)
    monkeypatch.setattr(patience, "SLOWEST", 100)
    heard = []

    trickle = asked(says([b"thanks"], heard=heard), *[b"x"] * 300)
    flow = asked(says([b"thanks"], heard=heard), *[b"x" * 1000] * 100)

    assert (trickle.status, flow.status) == (408, 200)
    assert heard == [b"x" * 100_000]


def test_much_that_came_buys_no_long_silence(monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE", 0.1)

    began = time.monotonic()
    client = asked(says([b"thanks"]), b"x" * 4 * PIECE, silent=True)

    assert client.status == 408
    assert time.monotonic() - began < 9  # the silence would last ten


@pytest.mark.parametrize("announced", [True, False])
def test_a_request_that_is_too_long_is_not_kept(announced):
    heard, lengths = [], []

    def app(environ, start_response):
        lengths.append(int(environ["CONTENT_LENGTH"]))
        return says([b"too long"], heard=heard)(environ, start_response)

    pieces, headers = [b"x" * PIECE] * 30, [(b"content-length", b"%d" % (30 * PIECE))]
    client = asked(app, *pieces, headers=headers if announced else [])

    assert (client.status, client.got) == (200, [b"too long"])
    assert lengths[0] > LONGEST
    assert len(heard[0]) <= LONGEST + PIECE


def test_what_is_read_slowly_is_made_slowly(monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE", 0.2)
    pieces = Pieces(*[b"x" * PIECE] * 100)

    client = asked(says(pieces), method="GET", takes=3)

    assert pieces.made <= 5
    assert pieces.closed == 1
    assert not client.ended


def test_when_the_client_goes_nothing_more_is_made():
    pieces = Pieces(*[b"x" * PIECE] * 100)

    client = asked(says(pieces), method="GET", takes=3, leaves=True)

    assert pieces.made <= 5
    assert pieces.closed == 1
    assert not client.ended


def test_an_answer_that_cannot_even_begin_is_closed(monkeypatch):
    """A file stays open else, and the download is counted for ever."""
    pieces = Pieces(*[b"x" * PIECE] * 3)

    async def gone(*_):
        raise ConnectionError

    monkeypatch.setattr(Client, "send", gone)
    with pytest.raises(ConnectionError):
        asked(says(pieces), method="GET")

    assert pieces.closed == 1


def test_an_answer_that_breaks_off_does_not_look_whole():
    pieces = Pieces(*[b"x" * PIECE] * 3, error=RuntimeError("the database is away"))
    clients = []

    async def ask():
        clients.append(Client())
        client = clients[0]
        await Patient(says(pieces), LONGEST)(scope(method="GET"), client.receive, client.send)

    with pytest.raises(RuntimeError, match="away"):
        asyncio.run(ask())

    assert len(clients[0].got) == 3
    assert not clients[0].ended
    assert pieces.closed == 1


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_no_answer_is_longer_than_it_says(size):
    """A file that grows while it is read would run into the next answer on the same connection."""
    pieces = Pieces(*[b"x" * 1000] * (size // 1000 + 500))

    client = asked(says(pieces, ("Content-Length", str(size))), method="GET")

    assert b"".join(client.got) == b"x" * size
    assert client.ended
    assert pieces.closed == 1


def test_as_many_slow_readers_as_there_are_threads_and_more_hold_up_nobody():
    async def ask():
        app = Patient(says([b"x" * PIECE] * 100), LONGEST)
        slow = [Client(takes=1) for _ in range(2 * THREADS)]
        asking = [
            asyncio.ensure_future(app(scope(method="GET"), one.receive, one.send)) for one in slow
        ]
        while not all(one.got for one in slow):
            await asyncio.sleep(0.01)

        quick = Client()
        async with asyncio.timeout(20):
            await app(scope(method="GET"), quick.receive, quick.send)

        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        return quick

    assert asyncio.run(ask()).ended


def test_no_more_than_the_threads_work_at_once():
    working, most, guard = [], [], threading.Lock()

    def app(environ, start_response):
        with guard:
            working.append(1)
            most.append(len(working))
        threading.Event().wait(0.02)
        with guard:
            working.pop()
        return says([b"done"])(environ, start_response)

    async def ask():
        patient, clients = Patient(app, LONGEST), [Client() for _ in range(5 * THREADS)]
        await asyncio.gather(
            *[patient(scope(method="GET"), one.receive, one.send) for one in clients]
        )
        return clients

    assert all(client.ended for client in asyncio.run(ask()))
    assert max(most) <= THREADS


def test_the_environment_is_what_wsgi_asks_for():
    headers = [
        (b"host", b"usher.example"), (b"cookie", b"a=1"), (b"cookie", b"b=2"),
        (b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"203.0.113.9"),
        (b"content-type", b"text/plain"), (b"content-length", b"3"),
    ]  # fmt: skip

    environ = environment(scope(b"/a%2Fb/%E2%82%AC/%FF%00/../x", headers=headers))

    assert environ["PATH_INFO"].encode("latin-1") == b"/a/b/\xe2\x82\xac/\xff\x00/../x"
    assert environ["QUERY_STRING"] == "q=%41"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_X_FORWARDED_FOR"] == "198.51.100.1,203.0.113.9"
    assert environ["HTTP_HOST"] == "usher.example"
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/plain", "3")
    assert environ["REMOTE_ADDR"] == "192.0.2.7"


def test_a_header_with_an_underscore_takes_no_other_ones_place():
    headers = [(b"x-forwarded-for", b"198.51.100.1"), (b"x_forwarded_for", b"203.0.113.9")]

    environ = environment(scope(headers=headers))

    assert environ["HTTP_X_FORWARDED_FOR"] == "198.51.100.1"
