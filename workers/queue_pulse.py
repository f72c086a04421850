"""The pulse of the queue: whether it answers, asked again and again before a letter needs it."""

from __future__ import annotations

from redis.exceptions import RedisError

import workers

away: list[str] = []  # what is wrong with it, in a sentence


def ask() -> None:
    """Notice a queue that is away. One in this process always answers."""
    client = getattr(workers.broker, "client", None)
    try:
        if client:
            client.ping()
        away.clear()
    except RedisError as error:
        away[:] = [said(error)]


def said(error: Exception) -> str:
    return f"it is away ({type(error).__name__})"
