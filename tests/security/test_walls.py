"""Organizations are walls: whatever number of theirs is put into an address or a form of ours,
the answer is the one for what does not exist, and nothing of theirs moves."""

import re

import pytest
from security.table import ADMINS, BILLING, MAY, MEMBERS, PERSONAL, address, filled
from security.town import OURS, THEIRS

pytestmark = pytest.mark.sqlite
NOWHERE = "nowhere"
NO_ROW = 2**31 - 1  # a number that a row could have, and none has
OURS_ALONE = MEMBERS | ADMINS | BILLING
WITH_A_NUMBER = [r for r in OURS_ALONE | PERSONAL if "<int:" in r]
CSRF = re.compile(r'(name="csrf_token" value="|"X-CSRFToken": ")[^"]*"')
PEOPLE = ("owner", "admin", "billing", "both", "member", "stranger", "removed", "gone", "operator")


def said(answer, *names):
    """The answer as a stranger can compare it: without secrets, and without what they sent."""
    text = CSRF.sub("", answer.text)
    for name in names:
        text = text.replace(str(name), "…")
    headers = [(n, v) for n, v in answer.headers if n not in ("Set-Cookie", "Content-Length")]
    return answer.status_code, headers, text


def ask(town, kind, route, slug, ids, form_ids=None):
    (method, rule), row = route.split(), MAY[route]
    form = filled(row.form, form_ids or ids) if method == "POST" else None
    return town.visit(kind, method, address(rule, slug, ids, row.about), data=form)


def without_rows(town):
    return dict.fromkeys(town.ids[OURS], NO_ROW)


@pytest.mark.parametrize("route", OURS_ALONE)
def test_their_organization_answers_like_none_at_all(town, route):
    theirs = town.ids[THEIRS]

    for kind in (kind for kind in PEOPLE if kind != "both"):
        there = ask(town, kind, route, THEIRS, theirs)
        nowhere = ask(town, kind, route, NOWHERE, theirs)

        assert there.status_code == 404, (kind, there.status_code)
        assert said(there, THEIRS) == said(nowhere, NOWHERE), kind
    assert town.rows() == town.pristine


@pytest.mark.parametrize("route", WITH_A_NUMBER)
def test_a_number_of_theirs_in_our_address_is_a_number_of_nobody(town, route):
    mixed, missing = town.ids[THEIRS], without_rows(town)

    for kind in PEOPLE:
        theirs = ask(town, kind, route, OURS, mixed)
        nobodys = ask(town, kind, route, OURS, missing)

        assert theirs.status_code in (403, 404), (kind, theirs.status_code)
        assert said(theirs) == said(nobodys), kind
    assert town.rows() == town.pristine


@pytest.mark.parametrize("route", [route for route in WITH_A_NUMBER if "<slug>" in route])
def test_a_number_of_ours_opens_nothing_at_theirs(town, route):
    for kind in PEOPLE:
        answer = ask(town, kind, route, THEIRS, town.ids[OURS])

        assert answer.status_code in (403, 404), (kind, answer.status_code)
    assert town.rows() == town.pristine


def test_a_purchase_of_theirs_in_our_form_is_a_purchase_of_nobody(town):
    route, ours = "POST /<slug>/subscriptions/pay", town.ids[OURS]

    for kind in ("owner", "admin", "billing", "both"):
        theirs = ask(town, kind, route, OURS, ours, town.ids[THEIRS])
        nobodys = ask(town, kind, route, OURS, ours, without_rows(town))

        assert theirs.status_code == 404
        assert said(theirs) == said(nobodys)
    assert town.rows() == town.pristine


def test_one_who_is_in_both_acts_with_the_role_of_each(town):
    """An admin here and a member there can do there what members can, and nothing more."""
    for route in ADMINS | BILLING:
        answer = ask(town, "both", route, THEIRS, town.ids[THEIRS])

        assert answer.status_code == 403, route
    assert town.rows() == town.pristine


@pytest.mark.parametrize("page", ["activity?before={}", "members?q={}", "invitations"])
def test_no_page_of_ours_names_anything_of_theirs(town, page):
    for asked in ("2147483647", THEIRS, "bolt.test"):
        text = town.visit("owner", "GET", f"/{OURS}/{page.format(asked)}").text

        assert "@bolt.test" not in text
        assert "Bolt" not in text
