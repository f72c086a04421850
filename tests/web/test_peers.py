"""Where a request comes from is what the last proxy we trust saw, and nothing the client writes."""

import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from web.peers import address_in
from workflows.engine.settings import Settings

CLIENT, EVIL = "203.0.113.7", "198.51.100.66"


def seen(count, forwarded, peer="10.0.0.2"):
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    return address_in(environ, Settings(trusted_proxies=count))


@pytest.mark.parametrize(
    ("count", "forwarded", "address"),
    [
        (0, CLIENT, "10.0.0.2"),
        (1, CLIENT, CLIENT),
        (1, f"{EVIL}, {CLIENT}", CLIENT),
        (1, f"{EVIL},{EVIL},{CLIENT}", CLIENT),
        (2, f"{EVIL}, {CLIENT}, 10.0.0.1", CLIENT),
        (2, CLIENT, "10.0.0.2"),  # it came round the outer proxy
        (1, "", "10.0.0.2"),
        (1, "nonsense", "10.0.0.2"),
        (1, f"{EVIL}, ", "10.0.0.2"),
        (1, "unknown; x=<script>", "10.0.0.2"),
        (1, f"{CLIENT}:51000", CLIENT),
        (1, "[2001:db8::7]:51000", "2001:db8::7"),
        (1, "2001:DB8:0::7", "2001:db8::7"),
        (1, f"::ffff:{CLIENT}", CLIENT),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(count, forwarded, address):
    assert seen(count, forwarded) == address


@pytest.mark.parametrize(
    "forwarded",
    [
        f"for={CLIENT}",
        f"for={EVIL}, for={CLIENT}",
        f"for={EVIL}, proto=https;For={CLIENT};by=10.0.0.9",
        f'for="{CLIENT}:4711"',
        f'for="{EVIL}, for={CLIENT}',  # a quote that the client left open
        CLIENT,
    ],
)
def test_a_header_of_one_word_is_read_as_its_standard_says(forwarded):
    settings = Settings(trusted_proxies=1, client_header="Forwarded")
    both = {"HTTP_FORWARDED": forwarded, "HTTP_X_FORWARDED_FOR": EVIL, "REMOTE_ADDR": "10.0.0.2"}

    assert address_in(both, settings) == CLIENT


def test_an_ipv6_address_in_forwarded_has_brackets_and_quotes():
    environ = {"HTTP_FORWARDED": 'for="[2001:DB8::7]:4711"'}
    settings = Settings(trusted_proxies=1, client_header="Forwarded")

    assert address_in(environ, settings) == "2001:db8::7"


def test_without_any_address_it_says_so():
    assert address_in({}, Settings()) == ""


SPEAKER = """
import os
from types import SimpleNamespace
from web.patience import Patient
from web.peers import address_in

HERE = {"trusted_proxies": 1, "client_header": os.environ["CLIENT_HEADER"]}

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [address_in(environ, SimpleNamespace(**HERE)).encode()]

patient = Patient(app, longest=1000)
"""
KEEP = "--no-clear-untrusted-proxy-headers"
SERVERS = {
    "granian": ["granian", "--interface", "asginl", "--port", "{port}", "speaker:patient"],
    "waitress": ["waitress", KEEP, "--listen=127.0.0.1:{port}", "speaker:app"],
}


@contextmanager
def serving(name, folder, header="X-Forwarded-For"):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "speaker.py").write_text(SPEAKER)
    command = [sys.executable, "-m", *(word.format(port=port) for word in SERVERS[name])]
    root = __file__.rpartition("/tests/")[0]
    log = (folder / "log.txt").open("w")
    environment = {"PYTHONPATH": f"{root}:{folder}", "CLIENT_HEADER": header}
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        yield port
    finally:
        server.terminate()
        server.wait(120)
        log.close()


def answer(port, head):
    for _ in range(600):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
                line.sendall(head.encode())
                return line.makefile().read().rpartition("\n")[2]
        except ConnectionError:
            time.sleep(0.1)
    raise AssertionError("It does not answer.")


@pytest.mark.parametrize("name", SERVERS)
def test_a_second_line_of_the_header_hides_nobody(name, tmp_path):
    """HAProxy adds a line of its own below the client's."""
    head = (
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"X-Forwarded-For: {EVIL}\r\nX-Forwarded-For: {CLIENT}\r\n\r\n"
    )

    with serving(name, tmp_path) as port:
        assert answer(port, head) == CLIENT


def test_no_spelling_of_a_header_takes_the_place_of_forwarded(tmp_path):
    """A name of one word has no other form, whatever the server makes of underscores."""
    head = (
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"FORWARDED: for={EVIL}\r\nForwarded: for={CLIENT}\r\n_Forwarded: for={EVIL}\r\n"
        f"Forwarded_: for={EVIL}\r\nX_Forwarded_For: {EVIL}\r\n\r\n"
    )

    with serving("granian", tmp_path, "Forwarded") as port:
        assert answer(port, head) == CLIENT


def test_an_underscore_of_the_client_does_not_hide_it_from_what_runs_in_production(tmp_path):
    head = (
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"X-Forwarded-For: {CLIENT}\r\nX_Forwarded_For: {EVIL}\r\nX-Forwarded_For: {EVIL}\r\n\r\n"
    )

    with serving("granian", tmp_path) as port:
        assert answer(port, head) == CLIENT
