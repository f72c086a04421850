"""`next=` and the page that somebody came from never lead off the site."""

import re
from html import unescape
from urllib.parse import urlsplit

import pytest
from security.corpora import OFF_SITE
from security.town import HERE

LOGIN = {"email": "stranger@acme.test", "password": "a password to test with"}
NEXT = re.compile(r'name="next" value="([^"]*)"')
LINK = re.compile(r'(?:href|action)="([^"]*)"')


def stays(link):
    """Whether a browser that opens this stays here; read as browsers do, not as Python does."""
    link = re.sub("[\t\n\r]", "", link.strip("".join(map(chr, range(33))))).replace("\\", "/")
    if re.match("[A-Za-z][A-Za-z0-9+.-]*:", link):
        return link.startswith(HERE + "/")
    return not link.startswith("//") and (link == "" or link[0] in "/?#")


@pytest.mark.parametrize("link", OFF_SITE, ids=lambda link: repr(link[:40]))
def test_whoever_logs_in_stays_here(town, link):
    page = town.visit("anonymous", "GET", "/login", query_string={"next": link})
    answer = town.visit("anonymous", "POST", "/login", data={**LOGIN, "next": link})

    assert page.status_code == 200
    assert all(stays(unescape(kept)) for kept in NEXT.findall(page.text))
    assert answer.status_code in (303, 422)
    assert answer.status_code == 422 or stays(answer.location), answer.location
    assert "evil" not in urlsplit(answer.location or "").netloc


@pytest.mark.parametrize("link", OFF_SITE, ids=lambda link: repr(link[:40]))
def test_whoever_is_refused_is_led_back_to_our_own_pages_alone(town, link):
    for referer in (link, HERE + link):
        referer = re.sub("[^\x20-\xff]", "", referer)
        answer = town.visit("owner", "GET", "/nope", {"Referer": referer})

        assert answer.status_code == 404, town.crashes
        assert all(stays(unescape(shown)) for shown in LINK.findall(answer.text))


def test_the_page_that_was_wanted_is_the_one_that_is_opened(town):
    wanted = "/organizations?a=b"

    assert town.visit("anonymous", "GET", wanted).location == "/login?next=/organizations%3Fa%3Db"
    answer = town.visit("anonymous", "POST", "/login", data={**LOGIN, "next": wanted})
    assert answer.location == wanted


def test_a_strange_address_is_wanted_no_more_than_ours(town):
    for path in ("//evil.test/profile", "/\\evil.test/profile", "/%2fevil.test", "/%0d%0aprofile"):
        answer = town.visit("anonymous", "GET", path)

        assert answer.status_code in (303, 308, 404)
        assert stays(answer.location or ""), answer.location
