"""The queue's door: the broker, and the app that every actor runs inside.

Whoever runs workers hands in the app with `use`: `workers.queue` does so for production, the
embedded mode for itself. Until then the queue is one in this process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Middleware, Retries, ShutdownNotifications, TimeLimit
from flask import Flask
from redis import Redis

import workflows  # noqa: F401
from workflows.engine import heartbeats


class InsideApp(Middleware):
    """Give each message its own app context, and so its own database session."""

    def __init__(self) -> None:
        self.app: Flask | None = None
        self.stopping = False  # a batch under way then gives back what it has not begun
        self._open = threading.local()
        self._goodbye: Callable[[], None] | None = None

    def after_process_boot(self, broker: Any) -> None:
        """Only `dramatiq` itself says this, to each process that it starts."""
        if self.app:
            self._goodbye = heartbeats.keep(self.app, "worker")

    def before_worker_boot(self, broker: Any, worker: Any) -> None:
        self.stopping = False

    def before_worker_shutdown(self, broker: Any, worker: Any) -> None:
        self.stopping = True
        if self._goodbye:
            self._goodbye()

    def before_process_message(self, broker: Any, message: Any) -> None:
        assert self.app is not None, "no app: call workers.use"
        self._open.context = self.app.app_context()
        self._open.context.push()

    def after_process_message(
        self, broker: Any, message: Any, *, result: Any = None, exception: Any = None
    ) -> None:
        context, self._open.context = getattr(self._open, "context", None), None
        if context:
            context.pop()

    after_skip_message = after_process_message


def _broker(redis_url: str) -> dramatiq.Broker:
    """A queue in Redis, or, without an address, one in this process."""
    middleware = [TimeLimit(), ShutdownNotifications(), Retries(max_retries=0), inside]
    if not redis_url:
        return StubBroker(middleware=middleware)
    client = Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=10)
    return RedisBroker(
        client=client,
        middleware=middleware,
        heartbeat_timeout=30_000,  # a killed worker's messages come back soon,
        maintenance_chance=20_000,  # not after the two minutes of the defaults
    )


inside = InsideApp()
broker = _broker("")
dramatiq.set_broker(broker)

from workers import post  # noqa: E402


def use(app: Flask) -> dramatiq.Broker:
    """Run every actor inside this app from now on, on the queue its settings name."""
    global broker
    inside.app, inside.stopping = app, False
    settings = app.extensions["usher"]
    broker = _broker("" if settings.embedded else settings.redis_url)
    dramatiq.set_broker(broker)
    for actor in (post.deliver,):
        actor.broker = broker
        broker.declare_actor(actor)
    return broker
