"""What keeps Usher from starting: every reason at once, a sentence for each.

No sentence holds a secret, whatever is wrong with it. The embedded mode, which nobody else can
reach, is kept from starting by little.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from flask.helpers import get_debug_flag
from pydantic import ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from workflows.engine.mail_servers import Server
from workflows.engine.settings import SECRETS, Settings, on_this_machine, secret_file

SHORTEST_KEY, FEWEST_SIGNS = 32, 10
# What stands in examples, ours among them, and in instructions that were not followed.
PLACEHOLDER = re.compile(
    r"change.?me|placeholder|example|insecure|replace|your.?(secret|key|password)|password|default",
    re.IGNORECASE,
)
WORD_FOR_NOW = {"password", "passwd", "secret", "changeme", "example", "postgres", "admin", "pass"}
EXAMPLE = re.compile(r"(^|\.)example\.(com|net|org)$")
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.IGNORECASE)


def examine(**decided: Any) -> tuple[Settings, list[str]]:
    """The settings as far as they can be read, and all that keeps Usher from starting on them."""
    try:
        found, wrong = Settings(**decided), {}
    except ValidationError as error:
        wrong = {str(one["loc"][0]): _in_words(one) for one in reversed(error.errors())}
        usual = {name: Settings.model_fields[name].default for name in wrong}
        found = Settings(**{**decided, **usual})
    about = tuple(f"{name.upper()} " for name in wrong)
    others = [reason for reason in why_unsafe(found) if not about or not reason.startswith(about)]
    return found, [*reversed(wrong.values()), *others]


def _in_words(error: Any) -> str:
    """What is wrong with one value; a secret one is not repeated."""
    name, field = str(error["loc"][0]), Settings.model_fields[str(error["loc"][0])]
    limits = {
        word: getattr(rule, word)
        for rule in field.metadata
        for word in ("ge", "le", "max_length")
        if hasattr(rule, word)
    }
    if "le" in limits:
        must = f"a whole number from {limits['ge']} to {limits['le']}"
    elif "max_length" in limits:
        must = f"1 to {limits['max_length']} characters long"
    elif expected := error.get("ctx", {}).get("expected"):
        must = str(expected)
    else:
        must = "a number" if field.annotation is float else f"written like {field.default}"
    value = "not readable" if name in SECRETS else repr(error["input"])[:80]
    return f"{name.upper()} is {value}. It must be {must}."


def why_unsafe(settings: Settings) -> list[str]:
    """What keeps this from starting, a sentence for each reason; none where it may."""
    reasons = [*_files(settings), *_everywhere(settings), *_alarms(settings)]
    if settings.embedded:
        weak = 0 < len(settings.secret_key) < SHORTEST_KEY
        return reasons + ["SECRET_KEY is shorter than 32 characters."] * weak
    for look in (_keys, _database, _queue, _mail, _address, _tests_only):
        reasons += look(settings)
    return reasons


def _files(settings: Settings) -> Iterator[str]:
    """Secrets in files: there, and nobody else's."""
    ours = {"database_url", "redis_url"} if settings.embedded else set()
    for name in SECRETS:
        file, name = secret_file(name), name.upper()
        if file is None or name.lower() in ours:
            continue
        if os.environ.get(name):
            yield f"{name} and {name}_FILE are both set. Leave one out."
        try:
            text, mode = file.read_text().strip(), file.stat().st_mode
        except OSError as error:
            yield f"{name}_FILE is {file}, which cannot be read: {error.strerror}."
        except UnicodeError:
            yield f"{name}_FILE is {file}, which is no text."
        else:
            if not text:
                yield f"{name}_FILE is {file}, which is empty."
            if mode & 0o006:
                yield f"{name}_FILE is {file}, which everybody may read: chmod o= {file}"


def _everywhere(settings: Settings) -> Iterator[str]:
    if settings.billing != "pretend":
        yield (f"BILLING={settings.billing} is not there yet: leave it out, or set it to pretend.")
    if not settings.product_name.isprintable():
        yield "PRODUCT_NAME has signs in it that cannot be shown."
    if settings.support_url and not settings.support_url.startswith(("https:", "http:", "mailto:")):
        yield "SUPPORT_URL must begin with https://, http:// or mailto:."
    for host in settings.trusted_hosts.split(","):
        if host.strip() and not HOST_NAME.fullmatch(host.strip()):
            yield (
                f"TRUSTED_HOSTS has {host.strip()!r} in it. Write names alone, without"
                " https://, port or *."
            )


def _alarms(settings: Settings) -> Iterator[str]:
    if not settings.alarm_webhook:
        return
    parts = _parts(settings.alarm_webhook)
    if not parts or parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        yield "ALARM_WEBHOOK must look like https://host/path, without a login in it."
    elif parts.scheme == "http" and not on_this_machine(settings.alarm_webhook):
        yield "ALARM_WEBHOOK must begin with https:// unless it is on this machine."
    if len(settings.alarm_key) < SHORTEST_KEY:
        yield "ALARM_KEY is missing or shorter than 32 characters: ALARM_WEBHOOK needs one."
    elif _guessable(settings.alarm_key):
        yield "ALARM_KEY looks like an example. Make one of your own."


def _keys(settings: Settings) -> Iterator[str]:
    key = settings.secret_key
    if len(key) < SHORTEST_KEY:
        yield "SECRET_KEY is missing or shorter than 32 characters."
    elif _guessable(key):
        yield "SECRET_KEY looks like an example. Make one of your own."
    if any(len(old) < SHORTEST_KEY for old in settings.old_keys):
        yield "A key in OLD_SECRET_KEYS is shorter than 32 characters."
    elif any(_guessable(old) for old in settings.old_keys):
        yield "A key in OLD_SECRET_KEYS looks like an example. Leave it out."
    pairs = [pair.partition("=") for pair in settings.token_keys.split(",") if pair]
    ids, keys = [pair[0] for pair in pairs], [pair[2] for pair in pairs]
    if not all(ids) or len(set(ids)) < len(ids):
        yield "TOKEN_KEYS must look like id=key,id=key, with a different id for each key."
    if any(len(key) < SHORTEST_KEY for key in keys):
        yield "A key in TOKEN_KEYS is shorter than 32 characters."
    elif any(_guessable(key) for key in keys):
        yield "A key in TOKEN_KEYS looks like an example. Make one of your own."


def _guessable(key: str) -> bool:
    return len(set(key)) < FEWEST_SIGNS or bool(PLACEHOLDER.search(key))


def _database(settings: Settings) -> Iterator[str]:
    if not settings.database_url:
        yield "DATABASE_URL is missing."
        return
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError):
        yield "DATABASE_URL must look like postgresql://user:password@host/database."
        return
    if url.drivername not in ("postgresql+psycopg", "sqlite"):
        yield "DATABASE_URL must begin with postgresql:// or sqlite:///."
    elif url.drivername == "sqlite" and not str(url.database or "").startswith("/"):
        yield "DATABASE_URL must name SQLite's file by its whole path: sqlite:////path/usher.db."
    elif _for_now(url.password and str(url.password)) and not on_this_machine(f"//{url.host}"):
        yield "DATABASE_URL has a password that everybody tries first. Choose another."


def _queue(settings: Settings) -> Iterator[str]:
    url = settings.redis_url
    if not url:
        yield "REDIS_URL is missing."
    elif not (parts := _parts(url)) or parts.scheme not in ("redis", "rediss"):
        yield "REDIS_URL must look like redis://host:port/0, or rediss://… with TLS."
    elif _for_now(parts.password) and not on_this_machine(url):
        yield "REDIS_URL has a password that everybody tries first. Choose another."


def _mail(settings: Settings) -> Iterator[str]:
    if settings.smtp_url:
        try:
            server = Server.at(settings.smtp_url)
        except ValueError as error:
            yield f"{error}."
        else:
            if EXAMPLE.search(server.host):
                yield f"SMTP_URL names {server.host}, which stands in examples only."
    else:
        yield "SMTP_URL is missing, so no letter could leave."
    sender = parseaddr(settings.mail_from)[1]
    domain = sender.rpartition("@")[2]
    if "mail_from" not in settings.model_fields_set:
        yield "MAIL_FROM is missing: no mail server takes letters without a sender."
    elif not re.fullmatch(r"[!-~]+@[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+", sender):
        yield "MAIL_FROM must be an e-mail address in ASCII, with a domain of yours."
    elif EXAMPLE.search(domain):
        yield f"MAIL_FROM is at {domain}, which stands in examples only."


def _address(settings: Settings) -> Iterator[str]:
    if "base_url" not in settings.model_fields_set:
        yield "BASE_URL is missing, and every link in a letter begins with it."
        return
    parts = _parts(settings.base_url)
    if not parts or parts.scheme not in ("http", "https") or not parts.hostname:
        yield "BASE_URL must look like https://usher.your-domain."
    elif parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        yield "BASE_URL must be a scheme and a host alone, without a path, a query or a login."
    elif parts.scheme == "http" and not on_this_machine(settings.base_url):
        yield "BASE_URL must begin with https:// unless it is on this machine."
    elif EXAMPLE.search(parts.hostname):
        yield f"BASE_URL names {parts.hostname}, which stands in examples only."


def _tests_only(settings: Settings) -> Iterator[str]:
    if settings.clock_offset:
        yield "CLOCK_OFFSET is for tests only."
    if get_debug_flag():
        yield "FLASK_DEBUG, or --debug, shows the insides of Usher to everybody. Leave it out."


def _parts(url: str) -> SplitResult | None:
    """The address taken apart, None where it is none."""
    try:
        parts = urlsplit(url)
        return parts if parts.port is None or parts.port else None
    except ValueError:
        return None


def _for_now(password: str | None) -> bool:
    return unquote(password or "").lower() in WORD_FOR_NOW
