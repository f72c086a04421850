"""Presence: a web process says that it is there, from its first request to its end.

Not from its start: commands such as the migration load the same app and serve nobody.
"""

from __future__ import annotations

import atexit
from itertools import count

from flask import Flask

from workflows.engine import heartbeats


def tell_from_first_request(app: Flask) -> None:
    requests = count()

    def begin() -> None:
        if next(requests) == 0:
            atexit.register(heartbeats.keep(app, "web"))

    app.before_request(begin)
