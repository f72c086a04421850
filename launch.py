"""The embedded mode: pages, worker and clock in one process, for one person on one machine.

What would surprise a reader: the port is taken before anything is read or written, so that a
start that cannot succeed changes nothing. Killed at any moment, it goes on where it was: what is
half done stands in the database, and nowhere else.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq
import flask_migrate
import waitress
from flask import Flask

import workers.checkups
from web import cli, create_app
from web.sample_repository import make_sample
from workers import clock, restored
from workflows.engine import embedded, heartbeats, logs, safety
from workflows.engine.app import app_on
from workflows.engine.embedded import CannotStart
from workflows.engine.refusals import Refusal
from workflows.engine.settings import Settings, on_this_machine

PATIENCE = 2.5  # seconds that a stop may take
log = logging.getLogger("usher")


def main(words: list[str]) -> None:
    """Run Usher until it is stopped; or, given words, one command of `web.cli`."""
    os.umask(0o077)  # keys, letters and the database are nobody else's
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        run(words) if words else up()
    except CannotStart as reason:
        print(f"usher: {reason}", file=sys.stderr)
        sys.exit(2)


def up() -> None:
    settings = embedded.read_settings()
    _refuse_to_expose(settings)
    with _listening(settings) as listening:
        app = _prepared(settings)
        with _working(app):
            server = waitress.create_server(
                app,
                sockets=[listening],
                threads=8,
                ident=None,
                clear_untrusted_proxy_headers=not settings.trusted_proxies,
            )
            print(welcome(settings), flush=True)
            server.run()


def run(words: list[str]) -> None:
    """One command, on the production database where the environment names one."""
    reasons: list[str] = []
    if words == ["doctor"]:
        app, reasons = _as_it_is()
    elif embedded.is_named("DATABASE_URL"):
        app = create_app()
        logs.begin(app.extensions["usher"])
    else:
        app = _prepared(embedded.read_settings())
    cli.usher.add_command(restored.restored)
    with app.app_context():
        try:
            cli.usher(words, prog_name="./usher", obj=reasons)
        except Refusal as refusal:
            sys.exit(f"usher: {refusal}")


def _as_it_is() -> tuple[Flask, list[str]]:
    """An app for the doctor on whatever is there, and what keeps Usher from starting on it."""
    if embedded.is_named("DATABASE_URL", "REDIS_URL"):
        settings, reasons = safety.examine()
    else:
        settings, reasons = embedded.examined()
        settings.secret_key = settings.secret_key or embedded.kept_key(settings)
    if any(reason.startswith("DATABASE_URL ") for reason in reasons):
        settings.database_url = ""  # it cannot be asked
    logs.begin(settings)
    return app_on(settings), reasons


def _refuse_to_expose(settings: Settings) -> None:
    if _is_loopback(settings.host) and on_this_machine(settings.base_url):
        return
    if not settings.smtp_url:
        raise CannotStart(
            f"HOST is {settings.host} and BASE_URL {settings.base_url}: others could read Usher's"
            " mailbox.\nSet SMTP_URL, so that letters leave by mail, or leave both out."
        )
    if not os.environ.get("BASE_URL"):
        raise CannotStart(
            f"HOST is {settings.host}. Set BASE_URL too: the links in letters begin with it."
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name: who knows where it leads


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """The socket, ours and open: whoever comes early waits until we are ready."""
    port = settings.port
    try:
        found = socket.getaddrinfo(settings.host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = min(found)  # IPv4 first
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except PermissionError:
        raise CannotStart(f"Port {port} is not for everybody. Try PORT=8000.") from None
    except OSError as error:
        raise CannotStart(_why_not_listening(settings, error)) from None
    with listening:
        yield listening


def _why_not_listening(settings: Settings, error: OSError) -> str:
    if isinstance(error, socket.gaierror) or "assign" in str(error):
        return f"HOST is {settings.host}, which is no address of this machine."
    another = settings.port + 1 if settings.port < 65535 else 8000
    return (
        f"Port {settings.port} is taken: another program, or another Usher, listens there.\n"
        f"Stop it, or take another port: PORT={another} ./usher up"
    )


def _prepared(settings: Settings) -> Flask:
    """The site, with all that it stands on made if it is not there yet."""
    embedded.keep_a_key(settings)
    app = create_app(settings)
    logs.begin(settings)
    try:
        with app.app_context():
            flask_migrate.upgrade()
    except SystemExit:
        raise CannotStart("This database was made by a newer Usher. Update this one.") from None
    if settings.repository and not settings.repo_dir:
        make_sample(settings.repository)
    return app


@contextmanager
def _working(app: Flask) -> Iterator[None]:
    """A worker and a clock beside us, stopped when we stop."""
    worker = dramatiq.Worker(workers.use(app), worker_threads=2, worker_timeout=100)
    ending = threading.Event()
    ticking = threading.Thread(target=_keep_time, args=(app, ending), daemon=True)
    worker.start()
    ticking.start()
    goodbye = heartbeats.keep(app, "web", "worker")
    try:
        yield
    finally:
        _end_in_time()
        ending.set()
        goodbye()
        ticking.join()
        worker.stop(timeout=int(PATIENCE * 1000))
        print("Usher has stopped.", flush=True)


def _keep_time(app: Flask, ending: threading.Event) -> None:
    while not ending.is_set():
        try:
            clock.run(app, ending)
        except Exception:
            log.exception("The clock fell silent; it goes on in a moment.")
            ending.wait(PATIENCE)


def _stop(number: int, frame: object) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # we are stopping already
    raise SystemExit(0)


def _end_in_time() -> None:
    """Whoever still works when patience ends is cut off; the next start takes that up."""
    timer = threading.Timer(PATIENCE, os._exit, [0])
    timer.daemon = True
    timer.start()


def welcome(settings: Settings) -> str:
    url = settings.base_url
    lines = [f"Usher is running at {url}", "", f"  sign up            {url}/signup"]
    if settings.mailbox:
        lines.append(f"  read its letters   {url}/dev/mailbox")
    lines.append(f"  repository         {url}/repo/   (files: {settings.repository})")
    lines.append(f"  status page        {url}/status   (first: ./usher operator add EMAIL)")
    if os.environ.get("DATABASE_URL"):
        lines.append("  DATABASE_URL       is not used here: the Procfile's commands use it")
    return "\n".join([*lines, "", "Stop it with Ctrl-C. What it knows is kept for the next start."])


if __name__ == "__main__":
    main(sys.argv[1:])
