"""No organization can have an ID that stands for a page of Usher's own."""

import pytest
from werkzeug.routing import Rule

from web.gate import Gate
from workflows.organizations import RESERVED, SLUG

SAMPLES = ("/gate", "/t/x/repo/", "/repo/")  # answered by web/gate.py before Flask sees them


def first_words(app):
    """The first segment of every address, where it is a word and not a part to be filled in."""
    rules = [str(rule) for rule in app.url_map.iter_rules()]
    return {path.split("/")[1] for path in (*rules, *SAMPLES)} - {""}


def test_the_first_word_of_every_address_is_reserved(app):
    words = {word for word in first_words(app) if SLUG.fullmatch(word)}

    assert {"organizations", "login", "static", "gate"} <= words
    assert words <= RESERVED, (
        f"add {sorted(words - RESERVED)} to _RESERVED in workflows/organizations.py: "
        "an organization with this ID could never open its pages"
    )


def test_an_address_that_begins_with_an_organization_says_so_by_slug(app):
    others = {word for word in first_words(app) if not SLUG.fullmatch(word)}

    assert {word for word in others if word.startswith("<")} == {"<slug>"}, (
        "call the first part of an organization's address <slug>, as web/session.py expects"
    )


@pytest.mark.parametrize("path", SAMPLES)
def test_the_gate_answers_its_words_before_the_pages_do(app, client, path):
    assert isinstance(app.wsgi_app.behind, Gate)
    assert client.get(path).status_code in (401, 403)


def test_a_new_route_with_an_unreserved_word_is_found(app):
    app.url_map.add(Rule("/brand-new/page", endpoint="static"))

    assert not first_words(app) - {"<slug>"} <= RESERVED
