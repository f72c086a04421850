"""Organizations are walls: whatever number of theirs is put into an address or a form of ours,
the answer is the one for what does not exist, and nothing of theirs moves."""

import re

import pytest
from answers import bare
from security.scanner import Forms
from security.table import ADMINS, BILLING, MAY, MEMBERS, OWNERS, PERSONAL, address, filled
from security.town import OURS, THEIRS

from workflows.engine.db import db

pytestmark = pytest.mark.sqlite
NOWHERE = "nowhere"
NO_ROW = 2**31 - 1  # a number that a row could have, and none has
OURS_ALONE = MEMBERS | ADMINS | BILLING | OWNERS
WITH_A_NUMBER = [r for r in OURS_ALONE | PERSONAL if "<int:" in r]
OF_EACH = ("Set-Cookie", "Content-Length", "X-Request-ID")  # they tell nothing of organizations
PEOPLE = ("owner", "admin", "billing", "both", "member", "stranger", "removed", "gone", "operator")


def said(answer, *names):
    """The answer as a stranger can compare it: without secrets, and without what they sent."""
    text = bare(answer)
    for name in names:
        text = text.replace(str(name), "…")
    headers = [(n, v) for n, v in answer.headers if n not in OF_EACH]
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


KINDS_OF_IDS = {  # where they stand in an address or a form, and the table they are of
    "members": "memberships",
    "invitations": "invitations",
    "invoices": "invoices",
    "purchase": "subscriptions",
}
RECORDED = ("owner", "admin", "billing")


def recorded(town, kind):
    """Every request that the pages of our organization offer this person, each once."""
    waiting, steps = ["/organizations", "/subscriptions", f"/{OURS}/home"], {}
    while waiting:
        path = waiting.pop()
        if ("GET", path) in steps or not is_ours(path):
            continue
        steps["GET", path] = None
        page = Forms(town.visit(kind, "GET", path).text)
        waiting += [link.partition("#")[0] for link in page.links]
        for method, action, fields in page.forms:
            form = {name: value for name, (_, value) in fields.items()}
            route = route_of(action or path)
            if method == "post" and route in MAY and is_ours(action or path):
                steps["POST", action or path] = {**filled(MAY[route].form, town.ids[OURS]), **form}
    return [(method, path, form) for (method, path), form in steps.items()]


def is_ours(path):
    return path.startswith(("/organizations", "/subscriptions", f"/{OURS}"))


def route_of(path):
    """The row of the table that a form's address belongs to."""
    path = re.sub(f"^/{OURS}", "/<slug>", path.partition("?")[0])
    for kind, number in (("membership", "members"), ("invitation", "invitations")):
        path = re.sub(rf"(?<=/{number}/)\d+", f"<int:{kind}_id>", path)
    return f"POST {path}"


def with_ids(path, form, **ids):
    """The request with these ids in the places of ours; the same where none of them stands."""
    if "slug" in ids:
        path = re.sub(f"^/{OURS}(?=/|$)", f"/{ids['slug']}", path)
    path = re.sub(r"/(\w+)/(\d+)(?=/|$|\?)", lambda at: f"/{at[1]}/{ids.get(at[1], at[2])}", path)
    if form and "purchase" in form and "purchase" in ids:
        form = {**form, "purchase": str(ids["purchase"])}
    return path, form


def ids_of_theirs(town, full):
    """The numbers of their rows, of each kind; a few of them, or all."""
    with town.app.app_context():
        [theirs] = db.session.execute(
            db.text("SELECT id FROM organizations WHERE slug = :slug"), {"slug": THEIRS}
        ).one()
        return {
            place: db.session.scalars(
                db.text(f"SELECT id FROM {table} WHERE organization_id = {theirs} ORDER BY id")
            ).all()[: None if full else 2]
            for place, table in KINDS_OF_IDS.items()
        } | {"slug": [THEIRS]}


def replacements(theirs):
    """Each id of theirs by itself and all together, beside the ids of nobody in the same places."""
    nobodys = dict.fromkeys(theirs, NO_ROW) | {"slug": NOWHERE}
    for place, stolen in theirs.items():
        yield from (({place: one}, {place: nobodys[place]}) for one in stolen)
    yield {place: stolen[0] for place, stolen in theirs.items()}, nobodys


def test_a_session_of_ours_replayed_with_ids_of_theirs_moves_nothing(town, full, verdict):
    theirs, recording = ids_of_theirs(town, full), {kind: recorded(town, kind) for kind in RECORDED}
    verdict.about("S2", people=len(RECORDED), requests=sum(map(len, recording.values())))

    replayed = [
        replay(town, kind, step, *ids)
        for kind, steps in recording.items()
        for step in steps
        for ids in replacements(theirs)
    ]

    assert town.rows() == town.pristine
    assert sum(replayed) > 150
    verdict.holds(replayed=sum(replayed))


def replay(town, kind, step, theirs, nobodys):
    """Whether there was an id to replace; the answer is then the one for what does not exist."""
    method, *request = step
    stolen, missing = with_ids(*request, **theirs), with_ids(*request, **nobodys)
    if stolen == tuple(request):
        return False
    answer, none = (town.visit(kind, method, path, data=form) for path, form in (stolen, missing))
    assert answer.status_code in (403, 404), (kind, method, *stolen)
    assert said(answer, THEIRS) == said(none, NOWHERE), (kind, method, *stolen)
    return True
