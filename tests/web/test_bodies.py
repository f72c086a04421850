"""Whoever sends slowly: a few of them wait for themselves, and nobody else waits for them."""

import re
import threading
from pathlib import Path

from werkzeug.test import EnvironBuilder, run_wsgi_app

from web.bodies import AT_ONCE

FORM = {"method": "POST", "path": "/login", "base_url": "http://127.0.0.1:8000"}


class Slow:
    """A body that does not come before it may."""

    def __init__(self):
        self.asked, self.comes = threading.Event(), threading.Event()

    def read(self, size=-1):
        self.asked.set()
        self.comes.wait(30)
        return b""


def send(app, body):
    environ = EnvironBuilder(**FORM, content_type="application/x-www-form-urlencoded").get_environ()
    environ |= {"wsgi.input": body, "CONTENT_LENGTH": "9"}
    return run_wsgi_app(app, environ)[1]


def test_those_who_send_slowly_leave_room_for_all_other_pages(app):
    slow = [Slow() for _ in range(AT_ONCE)]
    threads = [threading.Thread(target=send, args=(app.wsgi_app, body)) for body in slow]
    for thread, body in zip(threads, slow, strict=True):
        thread.start()
        assert body.asked.wait(10)

    one_more = Slow()
    one_more.comes.set()

    assert send(app.wsgi_app, one_more).startswith("503")
    assert not one_more.asked.is_set()
    assert app.test_client().get("/login").status_code == 200

    for body in slow:
        body.comes.set()
    for thread in threads:
        thread.join()
    assert not send(app.wsgi_app, one_more).startswith("503")


def test_half_of_the_threads_may_read():
    threads = re.search(r"--blocking-threads (\d+)", Path("Procfile").read_text())

    assert int(threads[1]) == 2 * AT_ONCE


def test_our_own_files_are_answered_in_one_piece(app):
    """Each piece but the last would wait until the client has read the one before."""
    environ = EnvironBuilder(path="/static/usher.css", base_url=FORM["base_url"]).get_environ()

    pieces, status, headers = run_wsgi_app(app.wsgi_app, environ)

    [whole] = pieces
    assert status == "200 OK"
    assert whole == Path("web/static/usher.css").read_bytes()
    assert headers["Content-Length"] == str(len(whole))
