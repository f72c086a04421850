"""A form that did not come from our pages changes nothing, whoever is tricked into sending it."""

import re

import pytest
from security.table import AT_ONCE, MAY, address, filled
from security.town import OURS

pytestmark = pytest.mark.sqlite
POSTS = [route for route in MAY if route.startswith("POST") and route != AT_ONCE]
FIELD = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture
def guarded(town, monkeypatch):
    monkeypatch.setitem(town.app.config, "WTF_CSRF_ENABLED", True)
    return town


def post(town, kind, route, headers=(), **more):
    rule, row, ids = route.split()[1], MAY[route], town.ids[OURS]
    form = {**filled(row.form, ids), **more}
    return town.visit(kind, "POST", address(rule, OURS, ids, row.about), headers, data=form)


def sessions(town):
    """The sessions that live: a forged log-out would end one."""
    return [town.visit(kind, "GET", "/profile").status_code for kind in town.secrets]


@pytest.mark.parametrize("route", POSTS)
def test_a_form_without_our_secret_changes_nothing(guarded, route):
    for kind in ("owner", "seated", "invited", "anonymous"):
        answer = post(guarded, kind, route)

        assert answer.status_code == 400
        assert "Nothing was changed." in answer.text
    assert guarded.rows() == guarded.pristine
    assert set(sessions(guarded)) == {200}


@pytest.mark.parametrize("forged", ["", "x", "a.b.c", "\0", "é", "x" * 5000, "{other}"])
@pytest.mark.parametrize("route", ["POST /logout", "POST /<slug>/settings/name"])
def test_a_secret_of_ones_own_making_or_of_another_browser_is_none(guarded, route, forged):
    other = FIELD.search(guarded.visit("stranger", "GET", "/organizations/new").text)[1]
    forged = forged.format(other=other)

    in_field = post(guarded, "owner", route, csrf_token=forged)
    in_header = post(guarded, "owner", route, {"X-CSRFToken": forged.replace("\0", "%00")})

    assert (in_field.status_code, in_header.status_code) == (400, 400)
    assert guarded.rows() == guarded.pristine


@pytest.mark.parametrize("field", ["csrf_token[]", "CSRF_TOKEN", " csrf_token"])
def test_the_secret_stands_in_its_own_field_or_nowhere(guarded, field):
    answer = post(guarded, "owner", "POST /logout", **{field: "x"})

    assert answer.status_code == 400


def test_other_methods_carry_no_command(guarded):
    for route in POSTS:
        path = address(route.split()[1], OURS, guarded.ids[OURS], MAY[route].about)
        for method in ("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"):
            answer = guarded.visit("owner", method, path, data=MAY[route].form)

            assert answer.status_code < 500, (method, route, guarded.crashes)
    assert guarded.rows() == guarded.pristine
    assert set(sessions(guarded)) == {200}
