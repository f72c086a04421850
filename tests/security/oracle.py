"""What somebody outside could compare of an answer: what it says, and what it cost us.

What would surprise a reader: nothing is timed. Equal statements, equal writes and equal password
hashings are equal work, on a busy machine too.
"""

import difflib
import json
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from answers import CSRF
from argon2 import PasswordHasher
from security.town import HERE
from sqlalchemy import event

from workflows.engine.db import db

OF_EACH_ANSWER = {"Content-Length", "X-Request-ID"}
RANDOM = [  # of each answer anew, and so the same for all
    (CSRF, ""),
    (re.compile(r"(?<=expires=)[^;]*", re.IGNORECASE), "…"),
    (re.compile(r"<time .*?</time>"), "…"),
    (re.compile(r"^(usher-\d+|__Host-usher)=[^;]*"), r"\1=…"),
]


@dataclass
class Seen:
    """Everything that could tell one case from another."""

    answers: list = field(default_factory=list)  # status, headers and body of each
    statements: list = field(default_factory=list)
    hashings: list = field(default_factory=list)

    def note(self, answer, *names):
        headers = [(n, masked(v, names)) for n, v in answer.headers if n not in OF_EACH_ANSWER]
        self.answers.append((answer.status_code, headers, masked(answer.text, names)))

    def facts(self):
        return asdict(self)


def masked(text, names):
    """Without what is random, and without what whoever asks has typed."""
    for found, instead in RANDOM:
        text = found.sub(instead, text)
    for name in names:
        text = re.sub(re.escape(name), "…", text, flags=re.IGNORECASE)
    return text


@contextmanager
def watching(town, seen):
    """Note every statement that is sent to the database, and every password that is hashed."""

    def said(connection, cursor, statement, parameters, context, many):
        seen.statements.append(re.sub(r"\s+", " ", statement))

    def counted(method):
        return lambda *words: seen.hashings.append(method.__name__) or method(*words)

    kept = {name: getattr(PasswordHasher, name) for name in ("hash", "verify")}
    with town.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", said)
    for name, method in kept.items():
        setattr(PasswordHasher, name, counted(method))
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", said)
        for name, method in kept.items():
            setattr(PasswordHasher, name, method)


def walk(town, steps, *names, kind="anonymous"):
    """What a browser of this person sees on these steps, each a path, or one with its form.

    What is sent at the same length counts as the same: `names` are masked.
    """
    browser, seen = town.app.test_client(), Seen()
    if kind in town.secrets:
        with browser.session_transaction(base_url=HERE) as cookie:
            cookie["sid"] = town.secrets[kind]
    with watching(town, seen):
        for step in steps:
            answer = go(browser, step)
            seen.note(answer, *names)
            if answer.status_code == 303:
                seen.note(browser.get(answer.location, base_url=HERE), *names)
    return seen


def go(browser, step):
    if isinstance(step, str):
        return browser.get(step, base_url=HERE)
    path, form = step
    return browser.post(path, base_url=HERE, data=form)


def told_apart(one, other):
    """The lines by which two cases differ, the words of the pages among them."""
    pages = (json.dumps(each.facts(), indent=0).replace("\\n", "\n") for each in (one, other))
    changed = difflib.unified_diff(*(page.split("\n") for page in pages), n=0, lineterm="")
    return [line for line in changed if line[:2] not in ("--", "++", "@@")]
