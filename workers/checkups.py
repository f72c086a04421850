"""What the doctor looks at behind the queue's door: Redis, the mail server, the sender's domain."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parseaddr
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from workers import sender_domains
from workers.mailers import Away, Smtp
from workflows.engine.findings import Finding, certificate, look
from workflows.engine.mail_servers import Server
from workflows.engine.settings import Settings, on_this_machine

PATIENCE = 5  # seconds


@look
def queue(settings: Settings) -> Iterator[Finding]:
    """Redis as the workers use it: with its password, over its TLS."""
    url = settings.redis_url
    if settings.embedded or not url:
        return
    if url.startswith("redis://") and not on_this_machine(url):
        yield Finding("queue TLS", "The connection is not encrypted: rediss://… is.", advice=True)
    try:
        patient = {"socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE}
        with Redis.from_url(url, decode_responses=True, **patient) as client:
            client.ping()
            yield Finding("queue")
            yield from _keeps(client)
    except AuthenticationError:
        yield Finding("queue", "The user or password in REDIS_URL is refused.")
    except (RedisError, ValueError) as error:
        yield Finding("queue", f"It does not answer at {_place(url)} ({type(error).__name__}).")


def _keeps(client: Redis) -> Iterator[Finding]:
    memory = client.info("memory")
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        forgets = f"maxmemory-policy is {policy}: bells may be lost, and letters leave later."
        yield Finding("queue memory", f"{forgets} Set it to noeviction.", advice=True)


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


@look
def mail(settings: Settings) -> Iterator[Finding]:
    """The mail server up to the point where a letter could begin."""
    try:
        server = Server.at(settings.smtp_url)
        way = Smtp(settings.smtp_url, settings.mail_from, urlsplit(settings.base_url).hostname)
    except ValueError:
        return  # what is wrong with SMTP_URL or MAIL_FROM is among the settings
    try:
        with way:
            theirs = way.greet()
    except Away as reason:
        yield Finding("mail server", f"{server.host}:{server.port}: {reason}")
        return
    yield Finding("mail server")
    if theirs:
        yield certificate("its certificate", theirs)
    elif server.tls == "off" and not on_this_machine(f"//{server.host}"):
        plain = "Letters, tokens among them, cross the network unencrypted. Leave out ?tls=off."
        yield Finding("mail TLS", plain, advice=True)


@look
def sender(settings: Settings) -> Iterator[Finding]:
    """Whether other mail servers will believe that our letters are ours."""
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2]
    if settings.smtp_url and "." in domain:
        yield from sender_domains.look(domain)
