"""Whether what stands beside us answers, asked often and told at once.

Each probe asks in a thread of its own, a while apart: a server that hangs holds up that thread,
and nobody else.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable
from threading import Lock, Thread

from redis import Redis
from redis.exceptions import RedisError

from workflows.engine.mail_servers import Server

FRESH = 5.0  # seconds after which it is asked again
KEPT = 15.0  # seconds that the last answer is good for while it is
PATIENCE = 1.5  # seconds that anybody waits for an answer
SLOWEST = 8.0  # seconds for a connection, and for a greeting: some servers are slow on purpose
log = logging.getLogger("usher.health")


class Probe:
    """Something to ask; `look` returns when all is well and raises when not."""

    def __init__(self, name: str, look: Callable[[], object]) -> None:
        self._name, self._look = name, look
        self._guard = Lock()
        self._asking: Thread | None = None
        self._answered_at = float("-inf")
        self._well = False

    def __call__(self) -> bool:
        """Whether it answered, not long ago or just now."""
        with self._guard:
            if time.monotonic() - self._answered_at < FRESH:
                return self._well
            if self._asking is None or not self._asking.is_alive():
                self._asking = Thread(target=self._ask, daemon=True)
                self._asking.start()
            asking = self._asking
        asking.join(PATIENCE)
        return self._well and time.monotonic() - self._answered_at < KEPT

    def _ask(self) -> None:
        try:
            self._look()
            self._well = True
        except (OSError, RedisError, ValueError) as error:
            log.warning("%s is not there: %s", self._name, type(error).__name__)
            self._well = False
        self._answered_at = time.monotonic()


def redis_answers(url: str) -> None:
    """A PONG, with the login and the TLS that the address asks for."""
    with Redis.from_url(url, socket_connect_timeout=SLOWEST, socket_timeout=SLOWEST) as client:
        client.ping()


def mail_server_greets(url: str) -> None:
    """A greeting. STARTTLS and login are looked at by `./usher doctor`, not every few seconds."""
    server = Server.at(url)
    with socket.create_connection((server.host, server.port), timeout=SLOWEST) as line:
        if server.tls == "always":
            context = ssl.create_default_context()
            with context.wrap_socket(line, server_hostname=server.host) as trusted:
                _greeting(trusted)
        else:
            _greeting(line)


def _greeting(line: socket.socket) -> None:
    if line.recv(4)[:3] != b"220":
        raise OSError("no greeting")
    line.sendall(b"QUIT\r\n")
