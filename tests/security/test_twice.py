"""A form that is sent twice does its work once: a double click, or a retry after a lost answer."""

import threading

import pytest
from people import Cast
from security.table import (
    EVERYBODY,
    INVITED,
    MAY,
    NOBODY,
    OPERATOR,
    SIGNED_IN,
    address,
    filled,
)
from security.town import OURS

from workflows import accounts, address_changes, resets
from workflows.accounts import Account
from workflows.engine.db import db

pytestmark = pytest.mark.sqlite
WHO = {  # somebody whom the door opens to
    EVERYBODY: "anonymous",
    SIGNED_IN: "stranger",
    OPERATOR: "operator",
    INVITED: "invited",
    "members": "seated",
    "those who can leave": "seated",
    "admins": "admin",
    "owner": "owner",
    "billing admins": "billing",
}
POSTS = [route for route in MAY if route.startswith("POST")]
IDLE = {  # what adds no row about an organization or a person
    "POST /profile/sessions", "POST /profile/sessions/end", "POST /profile/takeout",
    "POST /profile/address/cancel",  # nothing is asked for
    "POST /login", "POST /reset", "POST /logout", "POST /join", "POST /join/switch",
    "POST /<slug>/invitations/look-over", "POST /<slug>/subscriptions/pay",  # paid already
    "POST /join/move",  # by nobody; by somebody it is in the stories
}  # fmt: skip


def sender(town, route):
    """Sends the form of this route, always as the same browser."""
    (method, rule), row, ids = route.split(), MAY[route], town.ids[OURS]
    path, form = address(rule, OURS, ids, row.about), filled(row.form, ids)
    headers = {"Cookie": behind_a_link(town, rule)} if row.who == NOBODY else {}
    kind = WHO.get(row.who, "anonymous")
    return lambda: town.visit(kind, method, path, headers, data=form)


def behind_a_link(town, rule):
    """The cookie of a browser that has opened the link in question."""
    with town.app.app_context():
        email = "new@new.test" if rule == "/join/signup" else "owner@acme.test"
        asked = town.ids[OURS]["invitation" if "signup" in rule else "personal"]
        notes = {"invitation": asked, "never": asked}
        if rule == "/signup/confirm":
            waiting = accounts.sign_up("New", "new@new.test", "a password to test with")
            notes |= {"confirming": waiting.id, "signed_up": waiting.id}
        if rule == "/reset":
            resets.ask_reset(email)
            owner = db.session.scalar(db.select(Account).filter_by(email_key=email))
            Cast().deliver()
            notes |= {"reset": [owner.id, owner.reset_round]}
        if "/address/" in rule:
            owner = accounts.with_key(email)
            address_changes.ask(owner, "elsewhere@new.test")
            change = address_changes.asked_by(owner)
            if rule.endswith("/undo"):
                address_changes.confirm(change, by=owner)
            notes |= {"changing": change.id, "undoing": change.id}
        return town.cookie({"notes": notes})


def counts(town):
    """How many rows each table has: history has one for everything that moved."""
    return {name: len(rows) for name, rows in town.rows().items()}


@pytest.mark.parametrize("route", POSTS)
def test_a_form_sent_again_changes_nothing_more(town, route):
    send = sender(town, route)

    first = send()
    once = town.rows()
    second = send()
    twice = town.rows()
    town.reset()

    assert first.status_code < 500
    assert second.status_code < 400 or "u-2 u-wrap" in second.text or "is-bad" in second.text
    assert twice == once


@pytest.mark.parametrize("route", POSTS)
def test_a_form_sent_twice_at_once_does_its_work_once(town, route):
    send = sender(town, route)
    before, first = counts(town), send()
    once = counts(town)
    town.reset()
    send, both = sender(town, route), threading.Barrier(2)
    answers = []

    def click():
        both.wait(60)
        answers.append(send())

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    twice = counts(town)
    crashes = list(town.crashes)
    town.reset()

    assert twice == once
    assert crashes == []
    assert first.status_code in {one.status_code for one in answers}
    assert before != once or first.status_code >= 400 or route in IDLE
