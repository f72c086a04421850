"""Where a request carries its token."""

import base64

import pytest

from web import carriers
from web.carriers import UNREADABLE, Carried, in_authorization
from workflows.engine import seals

TOKEN = "usht" + "a" * 38
TOKEN += seals._checksum(TOKEN)


def basic(credentials):
    return "Basic " + base64.b64encode(credentials.encode()).decode()


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        (None, None),
        ("", None),
        ("   ", None),
        (f"Bearer {TOKEN}", TOKEN),
        (f"bearer   {TOKEN} ", TOKEN),
        (f"BEARER {TOKEN}", TOKEN),
        (f"token {TOKEN}", TOKEN),
        (f"Token {TOKEN}", TOKEN),
        (basic(f"{TOKEN}:"), TOKEN),
        (basic(f":{TOKEN}"), TOKEN),
        (basic(f"__token__:{TOKEN}"), TOKEN),
        (basic(f"somebody:{TOKEN}"), TOKEN),
        (basic(f"{TOKEN}:x-oauth-basic"), TOKEN),
        (basic(f"{TOKEN}:").rstrip("="), TOKEN),
        (basic(f"__token__:{TOKEN}\n"), TOKEN),
        (basic(":"), None),
        (basic("somebody:wrong"), "wrong"),
        (basic("somebody:"), "somebody"),
        (basic("no colon"), UNREADABLE),
        ("Basic", UNREADABLE),
        ("Basic ", UNREADABLE),
        ("Basic ====", UNREADABLE),
        ("Basic %%%", UNREADABLE),
        ("Basic a", UNREADABLE),
        ("Basic Zm9v\xff", UNREADABLE),
        ("Bearer", UNREADABLE),
        ("token ", UNREADABLE),
        (f"Bearer {TOKEN} {TOKEN}", f"{TOKEN} {TOKEN}"),
        (TOKEN, UNREADABLE),
        ("Digest username=x", None),
        ("Negotiate abc", None),
    ],
)
def test_a_token_is_found_in_every_kind_of_authorization_header(header, secret):
    assert in_authorization(header) == secret


@pytest.mark.parametrize("size", [8_000, 100_000])
def test_a_huge_authorization_header_is_only_a_malformed_token(size):
    assert not seals.well_formed(in_authorization("Basic " + "QUJD" * (size // 4)))


@pytest.mark.parametrize(
    ("path", "carried"),
    [
        ("/repo/main/x.conda", Carried(None, "repo/main/x.conda", False)),
        (f"/t/{TOKEN}/repo/main/x.conda", Carried(TOKEN, "repo/main/x.conda", True)),
        (f"//t/{TOKEN}/repo/x", Carried(TOKEN, "repo/x", True)),
        (f"/t/{TOKEN}", Carried(TOKEN, "", True)),
        (f"/t/{TOKEN}/", Carried(TOKEN, "", True)),
        ("/t/", Carried(None, "", True)),
        ("/t", Carried(None, "", True)),
        ("/t//repo/simple/", Carried(None, "repo/simple/", True)),
        (f"/repo/t/{TOKEN}/x", Carried(None, f"repo/t/{TOKEN}/x", False)),
        ("", Carried(None, "", False)),
    ],
)
def test_a_path_token_is_the_first_segment_after_t(path, carried):
    assert carriers.of_file({"PATH_INFO": path}) == carried


@pytest.mark.parametrize("header", ["HTTP_X_ORIGINAL_URI", "HTTP_X_FORWARDED_URI"])
@pytest.mark.parametrize(
    ("uri", "carried"),
    [
        (f"/t/{TOKEN}/main/x.conda?a=/t/b", Carried(TOKEN, "main/x.conda", True)),
        (f"/%74/{TOKEN}/main/", Carried(TOKEN, "main/", True)),
        (f"/t/%75{TOKEN[1:]}/main/", Carried(TOKEN, "main/", True)),
        ("/t/%zz%/main/%", Carried("%zz%", "main/%", True)),
        ("/t/%00%ff%c3/x", Carried("\x00\xff\xc3", "x", True)),
        ("/simple/x/", Carried(None, "simple/x/", False)),
        ("?", Carried(None, "", False)),
    ],
)
def test_a_proxy_tells_the_path_in_either_header(header, uri, carried):
    assert carriers.of_gate({header: uri}) == carried


def test_the_header_that_holds_a_path_token_is_the_one_that_counts():
    environ = {
        "HTTP_X_ORIGINAL_URI": "/elsewhere",
        "HTTP_X_FORWARDED_URI": f"/t/{TOKEN}/main/x.conda",
    }

    assert carriers.of_gate(environ) == Carried(TOKEN, "main/x.conda", True)


def test_a_path_token_goes_before_an_authorization_header():
    environ = {"HTTP_AUTHORIZATION": "Bearer other", "PATH_INFO": f"/t/{TOKEN}/repo/x"}

    assert carriers.of_file(environ).secret == TOKEN


def test_pip_would_prompt_only_for_a_path_token_in_a_simple_index():
    assert carriers.of_file({"PATH_INFO": "/t/x/repo/simple/numpy/"}).pip_would_prompt
    assert not carriers.of_file({"PATH_INFO": "/repo/simple/numpy/"}).pip_would_prompt
    assert not carriers.of_file({"PATH_INFO": "/t/x/repo/main/simple.conda"}).pip_would_prompt


def test_the_method_asked_about_is_what_the_proxy_says_it_is():
    assert carriers.method_asked({"REQUEST_METHOD": "GET"}) == "GET"
    assert (
        carriers.method_asked({"REQUEST_METHOD": "GET", "HTTP_X_FORWARDED_METHOD": "HEAD"})
        == "HEAD"
    )
