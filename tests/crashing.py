"""Crashes: real commands and real delivery in a process of their own, which dies where it is told.

Points are counted, not listed: there is one before and after every COMMIT, every word to the mail
server and every answer from it. Dying is `os._exit`, so nothing is rolled back, closed or said.
"""

import os
import select
import signal
import smtplib
import traceback
from dataclasses import dataclass

from sqlalchemy import event

from workers import post
from workflows.engine.db import db

DIED, FAILED = 70, 71
PATIENCE = 120  # seconds from one point of a life to the next
ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True)
class Life:
    """What a process did before it ended: its points, and whether its command returned."""

    points: list[str]
    acknowledged: bool
    died: bool


def live(app, act, *, until=None):
    """Act, then deliver, in a process that dies at point number `until` of its life, if given."""
    reading, writing = os.pipe()
    points = _Points(writing, until)

    def life():
        points.watch()
        act()
        points.write(ACKNOWLEDGED)
        post.deliver()

    pid = fork(app, life)
    os.close(writing)
    lines = _read_all(reading, pid)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, DIED), f"the process ended with {code} after {lines[-1:]}"
    points = [line for line in lines if line != ACKNOWLEDGED]
    return Life(points, ACKNOWLEDGED in lines, code == DIED)


def fork(app, life):
    """Live so in a process of its own; answers its id. Nothing of ours is shared with it."""
    db.session.remove()
    db.engine.dispose()
    if pid := os.fork():
        return pid
    code = FAILED
    try:
        with app.app_context():
            life()
            code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _read_all(reading, pid):
    """Every line the process writes until it ends; one that hangs is ended."""
    text = b""
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], PATIENCE)[0]:
            if not (read := pipe.read(65536)):
                return text.decode().splitlines()
            text += read
    os.kill(pid, signal.SIGKILL)
    return text.decode().splitlines()


class _Points:
    """Counts what happens at the edges of this process, and ends it at the point it is to die."""

    def __init__(self, writing, until):
        self.writing, self.until, self.passed = writing, until, 0

    def write(self, line):
        os.write(self.writing, f"{line}\n".encode())

    def pass_by(self, name):
        self.write(name)
        self.passed += 1
        if self.passed == self.until:
            os._exit(DIED)

    def watch(self):
        def command():
            return db.session().info.get("command")

        event.listen(db.engine, "commit", lambda _: self.pass_by(f"before COMMIT of {command()}"))
        event.listen(
            db.session, "after_commit", lambda _: self.pass_by(f"after COMMIT of {command()}")
        )
        self._watch_the_mail()

    def _watch_the_mail(self):
        say, hear = smtplib.SMTP.send, smtplib.SMTP.getreply
        last = "connecting"

        def watched_say(line, words):
            nonlocal last
            last = "the letter" if isinstance(words, bytes) else words.split()[0].upper()
            self.pass_by(f"before {last}")
            say(line, words)
            if last == "the letter":
                self.pass_by("the letter on the wire, unanswered")

        def watched_hear(line):
            answer = hear(line)
            self.pass_by(f"after {answer[0]} to {last}")
            return answer

        smtplib.SMTP.send, smtplib.SMTP.getreply = watched_say, watched_hear
