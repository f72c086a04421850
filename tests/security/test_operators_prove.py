"""A session that was stolen from an operator changes nothing: each deed asks for the password."""

import sqlite3
from contextlib import closing

import pytest
from security.table import OPERATORS, address, filled
from security.town import OURS

pytestmark = pytest.mark.sqlite
POSTS = [route for route in OPERATORS if route.startswith("POST")]


def logged_in_long_ago(town):
    with closing(sqlite3.connect(town.file)) as connection:
        connection.execute("UPDATE sessions SET proved_at = NULL")
        connection.commit()


@pytest.mark.parametrize("accepts", ["text/html", "application/json"])
@pytest.mark.parametrize("route", POSTS)
def test_a_log_in_of_long_ago_is_not_enough(town, route, accepts):
    logged_in_long_ago(town)
    (method, rule), ids, before = route.split(), town.ids[OURS], town.rows()
    path, form = address(rule, OURS, ids), filled(OPERATORS[route].form, ids)

    for proof in ({}, {"proof": ""}, {"proof": "a guess of the thief"}):
        sent = {**form, **proof}
        answer = town.visit("operator", method, path, {"Accept": accepts}, data=sent)
        assert answer.status_code in (403, 422)

    assert town.rows() == before
