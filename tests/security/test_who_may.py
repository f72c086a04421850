"""Every route and method × every kind of person × our organization and theirs, by the table."""

import re

import pytest
from security.table import (
    ADMINS,
    EVERYBODY,
    INVITED,
    LOG_IN,
    MAY,
    MEMBERS,
    NOBODY,
    ONE,
    OPERATOR,
    ROLES,
    SIGNED_IN,
    WORDS,
    address,
    filled,
)
from security.town import KINDS, OURS, THEIRS

pytestmark = pytest.mark.sqlite
ABOUT_ALL = re.compile(r"<(slug|int:\w+)>")
HIDDEN = "404"


def routes(app):
    """Every route of the site with each method that it takes, but those that all have."""
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def test_every_route_has_a_row_and_every_row_a_route(town):
    there = routes(town.app)

    assert there - set(MAY) == set(), (
        "these routes have no row: read in spec.md §4 who may, and say so in "
        "tests/security/table.py, with a form that works and an answer for those who may"
    )
    assert set(MAY) - there == set(), "these rows have no route: take them out of the table"
    assert {row.who for row in MAY.values()} <= WORDS


@pytest.mark.parametrize("route", MAY)
def test_a_door_opens_to_those_who_may_and_to_nobody_else(town, route):
    slugs = (OURS, THEIRS) if ABOUT_ALL.search(route) else (OURS,)

    wrong = [
        f"{kind} at {slug}: should be {wanted}, got {told}"
        for kind in KINDS
        for slug in slugs
        for wanted in [due(route, kind, slug)]
        for told in knock(town, route, kind, slug, wanted)
    ]

    assert wrong == [], f"{route}\n" + "\n".join([*wrong, *town.crashes])


def due(route, kind, slug):
    """What spec.md §4 gives this person here: an open door's statuses, or how it stays shut."""
    row, method = MAY[route], route.split()[0]
    allowed = {row.status or {"GET": 200, "POST": 303}[method], *row.own}
    if row.who in (EVERYBODY, NOBODY):
        return allowed if row.who == EVERYBODY else HIDDEN
    if kind == "anonymous":
        return row.first
    if row.who in (SIGNED_IN, INVITED):
        return allowed if row.who == SIGNED_IN or (kind, slug) == ("invited", OURS) else HIDDEN
    if row.who == OPERATOR:
        return allowed if kind == "operator" else HIDDEN
    role = KINDS[kind][slug == THEIRS]
    if role is None:
        return HIDDEN
    return allowed if role in ROLES[row.who] else row.no


def knock(town, route, kind, slug, wanted):
    """What was wrong with the answer, or with what it left behind."""
    (method, rule), row, ids = route.split(), MAY[route], town.ids[slug]
    form = filled(row.form, ids) if method == "POST" else None
    answer = town.visit(kind, method, address(rule, slug, ids, row.about), data=form)
    if not fits(answer, wanted):
        yield f"{answer.status_code} {answer.location or ''}"
    shut = isinstance(wanted, str)
    if (shut or method == "GET") and town.rows() != town.pristine:
        yield "changed rows"
    if method == "POST":
        town.reset()


def fits(answer, wanted):
    if wanted == LOG_IN:
        return answer.status_code == 303 and answer.location.startswith("/login")
    return answer.status_code in ({int(wanted)} if isinstance(wanted, str) else wanted)


@pytest.mark.parametrize("route", [one for one in MEMBERS if "POST" in one and "/token/" in one])
@pytest.mark.parametrize("kind", ["owner", "admin", "billing", "member"])
def test_without_a_seat_there_is_no_token_to_touch(town, route, kind):
    rule = route.split()[1]

    answer = town.visit(kind, "POST", address(rule, OURS, town.ids[OURS]), data=MAY[route].form)

    assert answer.location == f"/{OURS}/token"
    assert town.rows() == town.pristine


@pytest.mark.parametrize("route", [r for r in ADMINS if ONE in r and "POST" in r])
@pytest.mark.parametrize("kind", ["owner", "admin"])
def test_nobody_touches_the_owner_and_no_admin_touches_their_own_role(town, route, kind):
    (_, rule), ids = route.split(), town.ids[OURS]
    about_seats = any(word in rule for word in ("seat", "assign", "line-up"))
    if about_seats or (kind == "owner" and "make-admin" in rule):
        pytest.skip("a seat is not a role, and the owner is an admin already")

    answer = town.visit(kind, "POST", address(rule, OURS, ids, "owner"))

    assert answer.status_code in (403, 409)
    assert town.rows() == town.pristine


@pytest.mark.parametrize("kind", KINDS)
def test_outside_the_embedded_mode_letters_are_for_operators_and_the_mailbox_is_gone(
    town, monkeypatch, kind
):
    served = town.settings.model_copy(update={"embedded": False})
    monkeypatch.setitem(town.app.extensions, "usher", served)

    for route in (route for route in MAY if " /letters" in route or "/dev/mailbox" in route):
        path = address(route.split()[1], OURS, town.ids[OURS])
        opens = kind == "operator" and path.startswith("/letters")
        status = town.visit(kind, "GET", path).status_code
        assert (status < 400) if opens else (status == 404), (route, status)
