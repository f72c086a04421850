"""The gate against whoever has part of a token, two of them, or a way round the path."""

import base64
import random

import pytest
from security.oracle import Seen, watching
from security.town import HERE, OURS, THEIRS
from werkzeug.test import Client

from workflows.engine import seals

pytestmark = pytest.mark.sqlite
FILE = "/repo/main/noarch/repodata.json"
MANY, FULL = 1_000, 10_000
SEED = 20261124


@pytest.fixture
def live(town):
    yield town.tokens[OURS]
    town.app.wsgi_app.behind.uses.flush()


@pytest.fixture
def dead(town):
    """A real token whose seat was revoked."""
    path = f"/{THEIRS}/members/{town.ids[THEIRS]['seated']}/revoke-seat"
    assert town.visit("foreigner", "POST", path).status_code == 303
    return town.tokens[THEIRS]


@pytest.fixture
def gate(town):
    """Asks without Flask's client, which would tidy up what is sent."""
    client = Client(town.app.wsgi_app)

    def ask(path="/gate", **environ):
        overrides = {"PATH_INFO": path, "REMOTE_ADDR": "192.0.2.9", **environ}
        return client.get("/", base_url=HERE, environ_overrides=overrides)

    return ask


def reason(answer):
    """What it said, None where it let the request pass."""
    return answer.headers.get("X-Usher-Reason")


def changed_once(token):
    for at, right in enumerate(token):
        for wrong in seals.DIGITS.replace(right, ""):
            yield token[:at] + wrong + token[at + 1 :]


def broken(token, dice):
    """A token that was cut, doubled, shuffled or disguised."""
    at, other = sorted(dice.sample(range(1, 48), 2))
    return dice.choice([
        token[:at], token[at:], token + token[:at], token[:at] + token[other:],
        token[:at] + token[other] + token[at + 1 : other] + token[at] + token[other + 1 :],
        token[:at] + "\0" + token[at:], token[:at] + " " + token[at:], token + "\0", token + "=",
        token[:at] + chr(ord(token[at]) + 0x80) + token[at + 1 :], token.swapcase(), token[::-1],
        token[:at] + "%" + token[at:], "\xef\xbb\xbf" + token, token[:at] + "\xa0" + token[at:],
    ])  # fmt: skip


def test_what_is_nearly_a_token_is_refused_without_asking_the_database(town, gate, live, full):
    dice = random.Random(SEED)
    tries = [*changed_once(live), *(broken(live, dice) for _ in range(FULL if full else MANY))]
    seen = Seen()

    with watching(town, seen):
        told = {reason(gate(HTTP_AUTHORIZATION=f"Bearer {one}")) for one in tries if one != live}
        told |= {
            reason(gate(HTTP_AUTHORIZATION="Basic " + encoded(f"x:{one}")))
            for one in tries[::7]
            if one != live
        }

    assert told == {"malformed"}
    assert seen.statements == []
    assert reason(gate(HTTP_AUTHORIZATION=f"Bearer {live}")) is None


def encoded(text):
    return base64.b64encode(text.encode("latin-1")).decode()


def test_of_two_tokens_the_one_in_the_path_is_the_one_that_counts(gate, live, dead):
    """7.1: the path first, then the header; a live one beside a dead one opens nothing."""
    bearers = {token: {"HTTP_AUTHORIZATION": f"Bearer {token}"} for token in (live, dead)}

    for header in ("HTTP_X_ORIGINAL_URI", "HTTP_X_FORWARDED_URI"):
        assert reason(gate(**{header: f"/t/{dead}/x"}, **bearers[live])) == "seat_revoked"
        assert reason(gate(**{header: f"/t/{live}/x"}, **bearers[dead])) is None
        assert reason(gate(**{header: "/t/x/x"}, **bearers[live])) == "malformed"
    assert reason(gate(f"/t/{dead}{FILE}", **bearers[live])) == "seat_revoked"
    assert reason(gate(f"/t/x{FILE}", **bearers[live])) == "malformed"
    assert reason(gate(f"/t/{live}{FILE}", **bearers[dead])) is None


def test_of_two_proxies_the_first_that_names_a_token_is_believed(gate, live, dead):
    both = {"HTTP_X_ORIGINAL_URI": f"/t/{dead}/x", "HTTP_X_FORWARDED_URI": f"/t/{live}/x"}

    assert reason(gate(**both)) == "seat_revoked"


def test_what_a_proxy_would_say_counts_for_nothing_at_our_own_files(gate, live, dead):
    spoken = {"HTTP_X_ORIGINAL_URI": f"/t/{live}{FILE}", "HTTP_X_FORWARDED_URI": f"/t/{live}{FILE}"}

    assert reason(gate(FILE, **spoken)) == "missing"
    assert reason(gate(f"/t/{dead}{FILE}", **spoken)) == "seat_revoked"


@pytest.mark.parametrize("way", [
    "/t/{dead}/../{live}/repo/x", "/t/{dead}/../../t/{live}/repo/x", "/t/{dead}//t/{live}/repo/x",
    "//t/{dead}/t/{live}/repo/x", "/t/{dead};/t/{live}/x", "/t/{dead}\0/repo", "/t/./{live}/repo/x",
    "/t/../t/{live}/repo/x", "/t/ {live}/repo/x", "/t/{live}\0/repo/x",
    "/t/{live}%00/repo/x", "/t/{live}\\/repo/x", "/t/{dead}\\..\\{live}/repo/x", "/t/%2e/{live}/x",
    "/repo/../t/{live}/repo/x", "/repo/t/{live}/x", "/gate/../t/{live}/x", "/t//{live}/repo/x",
])  # fmt: skip
def test_no_way_round_a_path_makes_another_token_of_it(gate, live, dead, way):
    path = way.format(live=live, dead=dead)

    assert reason(gate(path)) in ("malformed", "missing", "seat_revoked", None)
    answer = gate(path)
    assert answer.status_code in (401, 403, 404)
    assert live not in answer.text
    asked = gate(HTTP_X_ORIGINAL_URI=path)
    assert asked.status_code in (401, 403)


@pytest.mark.parametrize("path", [
    "/t/{}/../../etc/passwd", "/t/{}/repo/../../x", "/t/{}/repo/%2e%2e/x", "/t/{}/repo/..%2fx",
    "/t/{}/repo/a\0b", "/t/{}/repo//etc/passwd",
])  # fmt: skip
def test_with_a_token_nothing_outside_the_folder_can_be_had(gate, live, path):
    answer = gate(path.format(live))

    assert answer.status_code in (400, 404)
    assert live not in answer.text + str(answer.headers)


@pytest.mark.parametrize("credentials", [
    "\0{}:", ":{}\0", "{}\0:", "\0:{}\0", "a\0b:{}\0", "{}\n{}:", "x:{}:{}", "x:{}, Bearer {}",
])  # fmt: skip
def test_basic_with_anything_beside_the_token_is_malformed(gate, live, credentials):
    header = "Basic " + encoded(credentials.replace("{}", live))

    assert reason(gate(HTTP_AUTHORIZATION=header)) == "malformed"


def test_two_headers_in_one_are_no_token(gate, live, dead):
    for header in (
        f"Bearer {dead}, Bearer {live}", f"Bearer {live},{dead}", f"Bearer {live} {live}",
        f"Bearer Bearer {live}", f"token Bearer {live}", f"Bearer\0{live}",
    ):  # fmt: skip
        assert reason(gate(HTTP_AUTHORIZATION=header)) in ("malformed", "missing"), header
