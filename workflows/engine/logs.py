"""Everything written down for whoever runs this: one record, one line, nothing secret in it.

Production writes JSON, the embedded mode words. What would surprise a reader: records of every
library pass through here, so that no server's own log can tell what ours does not.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from workflows.engine import masks
from workflows.engine.settings import Settings

SHORTEST = 6  # a shorter word of a secret would mask half of all lines
FIRST = ("at", "level", "logger", "event")


def begin(settings: Settings) -> None:
    """Write what all loggers of this process say from now on, and nothing any other way."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(settings))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if settings.embedded else logging.INFO)
    for name in list(root.manager.loggerDict):  # servers bring handlers of their own
        known = logging.getLogger(name)
        known.handlers.clear()
        known.propagate = True
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a busy moment is no news


def formatter(settings: Settings) -> logging.Formatter:
    """Makes a line of a record, ours or a library's."""
    known: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.contextvars.merge_contextvars,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,  # without the values of variables
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        Masking(settings),
        in_words if settings.embedded else as_json,
    ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=known, processors=last)


def request_id() -> str | None:
    """The id of the request that this thread answers, if it answers one."""
    return structlog.contextvars.get_contextvars().get("request_id")


class Masking:
    """Takes out of a record what nobody may read in a log, wherever in it that stands."""

    def __init__(self, settings: Settings) -> None:
        self._key = settings.secret_key
        self._secrets = sorted(_words(settings), key=len, reverse=True)

    def __call__(self, _: WrappedLogger, __: str, record: EventDict) -> EventDict:
        return {str(name): self._masked(value) for name, value in record.items()}

    def _masked(self, value: Any) -> Any:
        if value is None or isinstance(value, int | float):
            return value
        text = str(value)
        if len(text) < SHORTEST:
            return text
        for secret in self._secrets:
            text = text.replace(secret, masks.MASK)
        return masks.veil(masks.mask(text), self._key)


def _words(settings: Settings) -> set[str]:
    """What of the settings is secret in itself, as it is written and as it is meant."""
    found = {settings.secret_key, *settings.epochs.values(), *settings.old_keys}
    for url in (settings.database_url, settings.redis_url, settings.smtp_url):
        password = _password(url)
        found |= {password, unquote(password)}
    return {word for word in found if len(word) >= SHORTEST}


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


def as_json(_: WrappedLogger, __: str, record: EventDict) -> str:
    """One line whatever it holds: control characters and foreign signs are escaped."""
    first = {name: record.pop(name) for name in FIRST if name in record}
    return json.dumps({**first, **record}, default=str)


def in_words(_: WrappedLogger, __: str, record: EventDict) -> str:
    """A line for the person at the terminal; only a traceback may take several."""
    record.pop("at", None)
    traceback = str(record.pop("exception", ""))
    head = f"{str(record.pop('level')).upper()} {record.pop('logger')}: {record.pop('event')}"
    more = [f"{name}={value}" for name, value in record.items()]
    lines = [_on_one_line(" ".join([head, *more]))]
    lines += [f"    {_on_one_line(line)}" for line in traceback.split("\n") if traceback]
    return "\n".join(lines)


def _on_one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
