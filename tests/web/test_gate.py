"""What the gate answers, to whom, and what it remembers."""

import base64
import logging
import random
import socket
import time
import urllib.request
from contextlib import closing

import pytest
from werkzeug import Response

from web import downloads as all_downloads
from web.gate import is_package
from web.patience import PIECE
from workflows.engine import seals
from workflows.engine.db import db

FILE = "/repo/main/noarch/repodata.json"
PACKAGE = "/repo/main/noarch/hello-usher-1.0-0.tar.bz2"
NEVER_MADE = "usht" + "0" * 44


@pytest.fixture
def client(office):
    return office.app.test_client()


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def carriers(secret):
    """Every way to carry this secret, to the gate and to a file: path and headers."""
    for header in ("X-Original-URI", "X-Forwarded-Uri"):
        yield "/gate", {header: f"/t/{secret}/main/noarch/repodata.json?x=1"}
    yield f"/t/{secret}{FILE}", {}
    for path in ("/gate", FILE):
        yield path, {"Authorization": f"Bearer {secret}"}
        yield path, {"Authorization": f"token {secret}"}
        yield path, {"Authorization": basic(secret, "")}
        yield path, {"Authorization": basic("somebody", secret)}
        yield path, {"Authorization": basic("__token__", secret)}


def answers(client, secret):
    return [client.get(path, headers=headers) for path, headers in carriers(secret)]


def test_a_mailed_token_passes_however_it_is_carried(office, client):
    for path, headers in carriers(office.secret):
        get, head = client.get(path, headers=headers), client.head(path, headers=headers)

        assert get.status_code == (204 if path == "/gate" else 200), (path, headers)
        assert head.status_code == get.status_code
        assert head.data == b""
        assert get.headers["Cache-Control"] == ("no-store" if path == "/gate" else "private")


def refuses(client, secret, reason, status=401):
    """Every carrier is told the same reason, in the same words."""
    for answer in answers(client, secret):
        assert answer.status_code == status
        assert answer.headers["X-Usher-Reason"] == reason
        assert answer.headers["Cache-Control"] == "no-store"
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)
        sentence, page, support = answer.text.splitlines()
        assert sentence.endswith(".")
        assert "http://usher.test/" in page
        assert "https://help.test/" in support
        assert secret not in answer.text + str(answer.headers)
    return True


def test_nobody_comes_in_without_a_token(client):
    for path in ("/gate", FILE, "/repo/nothing", "/repo/../x", "/t/", "/t//repo/x"):
        answer = client.get(path)

        assert answer.status_code == 401
        assert answer.headers["X-Usher-Reason"] == "missing"
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Usher"'


@pytest.mark.parametrize("secret", ["Zq9", "ushtZ", NEVER_MADE, "a" * 48, "usht" + "a" * 5000])
def test_what_cannot_be_a_token_is_malformed(client, secret):
    assert refuses(client, secret, "malformed")


def test_a_token_with_one_sign_changed_is_malformed_and_never_another(office, client):
    for at in range(len(office.secret)):
        other = "0" if office.secret[at] != "0" else "1"
        changed = office.secret[:at] + other + office.secret[at + 1 :]
        answer = client.get("/gate", headers={"Authorization": f"Bearer {changed}"})
        assert answer.headers["X-Usher-Reason"] == "malformed"


def test_a_token_of_nobody_is_unknown(office, client):
    with office.app.app_context():
        stranger = seals.make_secret("t", 999, 1, b"n" * 16, seals.current_key_id())

    assert refuses(client, stranger, "unknown")


def test_a_reissued_token_is_superseded_at_once(office, client):
    newer = office.reissue(hours=0)

    assert refuses(client, office.secret, "superseded")
    assert all(answer.status_code in (200, 204) for answer in answers(client, newer))


def test_an_old_token_may_work_on_until_its_end(office, client):
    newer = office.reissue(hours=1)

    for secret in (office.secret, newer):
        assert all(answer.status_code in (200, 204) for answer in answers(client, secret))


def test_a_token_dies_with_its_seat(office, client):
    office.revoke_seat()

    assert refuses(client, office.secret, "seat_revoked")


def test_a_token_dies_with_the_membership(office, client):
    office.remove()

    assert refuses(client, office.secret, "member_gone")


@pytest.mark.parametrize(
    "reason", ["subscription_suspended", "subscription_ended", "organization_closed"]
)
def test_a_right_token_of_an_organization_on_hold_is_forbidden_and_comes_back(
    office, client, reason
):
    office.hold(reason)
    assert refuses(client, office.secret, reason, 403)

    office.release()
    assert all(answer.status_code in (200, 204) for answer in answers(client, office.secret))


def test_pip_is_never_made_to_prompt_for_a_path_token(client):
    for path, headers in (
        (f"/t/{NEVER_MADE}/repo/simple/hello-usher/", {}),
        ("/t//repo/simple/", {}),
        ("/gate", {"X-Original-URI": f"/t/{NEVER_MADE}/simple/hello-usher/"}),
    ):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 403
        assert "WWW-Authenticate" not in answer.headers
        assert answer.headers["X-Usher-Reason"] in ("malformed", "missing")
    assert client.get("/repo/simple/").status_code == 401


def test_the_files_that_exist_are_known_only_to_those_who_may_have_them(office, client):
    dead = [client.get(f"/t/{NEVER_MADE}/repo/{path}") for path in ("main/none", "main/../x", "")]
    assert {answer.text for answer in dead} == {client.get(f"/t/{NEVER_MADE}{FILE}").text}

    for path in ("/repo/none", "/repo/", "/repo", "/none", "", "/"):
        answer = client.get(f"/t/{office.secret}{path}")
        assert answer.status_code == 404
        assert office.secret not in answer.text


def test_what_is_not_the_gates_goes_to_the_app_behind_it(office, client):
    @office.app.get("/gatehouse")
    def gatehouse():
        return "behind"

    assert client.get("/gatehouse").text == "behind"
    assert client.get("/gate/").status_code == 404
    assert "X-Usher-Reason" not in client.get("/team").headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MKCOL"])
def test_only_get_and_head_are_answered(office, client, method):
    for path in ("/gate", FILE, f"/t/{office.secret}{FILE}"):
        answer = client.open(path, method=method, data=b"x")
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD"


def test_no_input_breaks_the_gate(office, client):
    dice = random.Random(11)
    signs = [
        "/t/",
        office.secret[:20],
        "%",
        "%00",
        "%ff",
        "\xff",
        "\x80",
        "..",
        "//",
        ";",
        "?",
        " ",
    ]
    signs += ["Basic ", "Bearer ", "token ", "====", ":", "é", "A" * 8000, "\x7f", "simple/", "\t"]

    for _ in range(2_000):
        text = "".join(dice.choices(signs, k=dice.randint(1, 6)))
        overrides = {
            "HTTP_AUTHORIZATION": text,
            "HTTP_X_ORIGINAL_URI": "".join(dice.choices(signs, k=4)),
            "HTTP_USER_AGENT": text,
            "HTTP_RANGE": text,
            "PATH_INFO": dice.choice(["/gate", "/t/" + text, "/repo/" + text, FILE]),
        }
        answer = client.get("/", environ_overrides=overrides)
        assert answer.status_code in (401, 403), overrides


def test_no_input_of_somebody_with_a_token_breaks_the_repository(office, client):
    dice = random.Random(13)
    signs = [
        "main/",
        "..",
        "%00",
        "\x00",
        "\xff",
        "//",
        "\\",
        "noarch",
        ".json",
        "simple/",
        "a" * 300,
    ]

    for _ in range(1_000):
        text = "".join(dice.choices(signs, k=dice.randint(1, 6)))
        overrides = {"PATH_INFO": f"/t/{office.secret}/repo/{text}", "HTTP_IF_RANGE": text}
        overrides |= {"HTTP_IF_NONE_MATCH": text, "HTTP_IF_MODIFIED_SINCE": text}
        answer = client.get("/", environ_overrides=overrides)
        assert answer.status_code in (200, 301, 400, 404), overrides


RAW = [
    b"GET /gate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\xfd\r\n",
    b"GET /t/%ff%00%zz/repo/x HTTP/1.1\r\nHost: x\r\n",
    b"GET /t/\xc3\xa9/repo/x HTTP/1.1\r\nHost: x\r\n",
    b"GET /t/%/repo/../../x HTTP/1.1\r\nHost: x\r\n",
    b"GET /repo/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n",
    b"GET //t/x/repo/x HTTP/1.1\r\nHost: x\r\n",
    b"GET http://elsewhere/t/x/repo/x HTTP/1.1\r\nHost: x\r\n",
    b"GET /gate HTTP/1.1\r\nHost: x\r\nAuthorization: " + b"A" * 8000 + b"\r\n",
    b"GET /gate HTTP/1.1\r\nHost: x\r\nX-Original-URI: /t/" + b"%41" * 2500 + b"/x\r\n",
    b"GET /gate HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \r\nAuthorization: Bearer x\r\n",
    b"HEAD /gate HTTP/1.0\r\n",
]


@pytest.mark.parametrize("request_", RAW)
def test_raw_garbage_on_the_wire_gets_an_answer_below_500(office, request_):
    with office.serving() as address, closing(socket.socket()) as wire:
        wire.settimeout(10)
        wire.connect(("127.0.0.1", int(address.rpartition(":")[2])))
        wire.sendall(request_ + b"Connection: close\r\n\r\n")
        status = wire.recv(65536).split(b" ")[1]

    assert status in (b"400", b"401", b"403"), status


def test_without_the_database_the_gate_says_try_again_and_opens_for_nobody(office, client):
    office.lose_the_database()

    for path, headers in carriers(office.secret):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Cache-Control"] == "no-store"
    assert client.get("/gate").status_code == 401


def test_no_secret_stands_in_a_log(office, client, caplog):
    caplog.set_level(logging.DEBUG)
    office.lose_the_database()

    for answer in answers(client, office.secret):
        assert office.secret not in answer.text
    office.gate.uses.flush()

    assert "No verdict" in caplog.text
    assert office.secret not in caplog.text


def test_no_database_session_is_left_behind(office, client):
    for _ in range(30):
        answers(client, office.secret)
        client.get("/gate")

    with office.app.app_context():
        assert db.engine.pool.checkedout() == 0


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("main/noarch/x-1.0-0.conda", True),
        ("main/noarch/x-1.0-0.tar.bz2", True),
        ("simple/x/x-1.0-py3-none-any.whl", True),
        ("simple/x/x-1.0.tar.gz", True),
        ("debian/pool/x_1.0_amd64.deb", True),
        ("main/noarch/repodata.json", False),
        ("main/noarch/repodata.json.zst", False),
        ("main/noarch/repodata_shards.msgpack.zst", False),
        ("simple/x/", False),
        ("simple/x/index.html", False),
        ("simple/x/x-1.0-py3-none-any.whl.metadata", False),
        ("simple", False),
        ("", False),
    ],
)
def test_a_package_is_every_file_but_the_indexes(path, package):
    assert is_package(path) is package


def test_a_use_is_remembered_with_moment_client_and_address(office, client):
    started = time.time()
    client.get(f"/t/{office.secret}{FILE}", headers={"User-Agent": "conda/24.1.0 requests/2"})

    (generation,) = office.generations()
    assert generation.last_used_from == "conda/24.1.0, 127.0.0.1"
    assert abs(generation.last_used_at.timestamp() - started) < 5
    assert office.first_download() is None


def test_what_a_client_says_of_itself_or_of_its_address_is_not_believed(office, client):
    for agent in ("<script>", "\xff\xff", "", "\x00", office.secret):
        client.get(
            "/gate",
            headers={"Authorization": f"Bearer {office.secret}", "X-Forwarded-For": "192.0.2.9"},
            environ_overrides={"HTTP_USER_AGENT": agent},
        )
        (generation,) = office.generations()
        assert generation.last_used_from.endswith("127.0.0.1")
        assert "<" not in generation.last_used_from
        assert office.secret not in generation.last_used_from


def test_behind_a_proxy_a_use_is_remembered_with_the_address_that_the_proxy_saw(office, client):
    office.gate.settings.trusted_proxies = 1
    forwarded = {"X-Forwarded-For": "198.51.100.66, 203.0.113.7", "User-Agent": "pip/26.1"}

    client.get("/gate", headers={"Authorization": f"Bearer {office.secret}", **forwarded})

    (generation,) = office.generations()
    assert generation.last_used_from == "pip/26.1, 203.0.113.7"


def downloads(client, secret, path=PACKAGE, method="GET", **headers):
    client.open(f"/t/{secret}{path}", method=method, headers=headers)


def test_the_first_download_is_of_a_package_and_has_a_body(office, client):
    etag = client.get(f"/t/{office.secret}{FILE}").headers["ETag"]
    downloads(client, office.secret, FILE)
    downloads(client, office.secret, method="HEAD")
    downloads(client, office.secret, PACKAGE + ".none")
    downloads(client, office.secret, "/repo/simple/hello-usher/")
    tag = client.head(f"/t/{office.secret}{PACKAGE}").headers["ETag"]
    downloads(client, office.secret, **{"If-None-Match": tag})
    downloads(client, office.secret, Range="bytes=9999999-")
    client.get("/gate", headers={"Authorization": f"Bearer {office.secret}"})
    asked = {"X-Original-URI": f"/t/{office.secret}/x.conda", "X-Original-Method": "HEAD"}
    client.get("/gate", headers=asked)
    assert etag
    assert office.first_download() is None

    downloads(client, office.secret, Range="bytes=0-9")
    first = office.first_download()
    assert first is not None

    downloads(client, office.secret)
    assert office.first_download() == first


def test_a_package_behind_a_proxy_is_a_download_too(office, client):
    client.get("/gate", headers={"X-Forwarded-Uri": f"/t/{office.secret}/main/noarch/x.conda"})

    assert office.first_download() is not None


@pytest.fixture
def large(office):
    """A package that does not go out in one piece."""
    file = office.app.extensions["usher"].repository / "main" / "noarch" / "large-1.0-0.conda"
    file.write_bytes(b"x" * 3 * PIECE)
    return f"/repo/main/noarch/{file.name}"


@pytest.fixture
def running(monkeypatch):
    monkeypatch.setattr(all_downloads, "OF_ONE", 2)
    monkeypatch.setattr(all_downloads, "AT_ONCE", 3)
    monkeypatch.setattr(all_downloads, "running", all_downloads.Downloads())


def test_one_person_has_a_share_of_the_downloads_that_run(office, client, large, running):
    """HEAD, what is there already and what goes out in one piece take no place, nor keep one."""
    ask = {"path": f"/t/{office.secret}{large}", "buffered": False}
    tag = client.head(ask["path"]).headers["ETag"]
    for _ in range(5):
        client.head(ask["path"])
        client.get(ask["path"], headers={"If-None-Match": tag})
        client.get(ask["path"], headers={"Range": "bytes=999999999-"})
    begun = [client.get(**ask), client.get(**ask, headers={"Range": "bytes=5-"})]

    one_more = client.get(**ask)
    assert (one_more.status_code, one_more.headers["Retry-After"]) == (503, "5")
    assert client.get(f"/t/{office.secret}{FILE}").status_code == 200

    begun[0].close()
    assert client.get(**ask).status_code == 200
    for answer in begun:
        answer.close()


def test_all_together_have_a_share_too(office, running):
    held = all_downloads.running
    answers = [Response(iter([b"x"])) for _ in range(4)]
    assert all(map(held.admit, answers[:3], ("ann", "ann", "bo")))

    assert not held.admit(answers[3], "cy")

    answers[0].close()
    assert held.admit(answers[3], "cy")


def test_a_refused_token_is_not_used(office, client):
    office.revoke_seat()

    downloads(client, office.secret)

    assert office.generations()[0].last_used_at is None


def test_uses_are_written_by_themselves_while_a_server_runs(office):
    with office.serving() as address:
        urllib.request.urlopen(f"{address}/t/{office.secret}{PACKAGE}").read()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with office.app.app_context():
                if office._token().first_download_at:
                    return
            time.sleep(0.1)
    pytest.fail("the use was not written")


def test_the_gate_stands_in_front_of_the_whole_application(app):
    answer = app.test_client().get("/gate")

    assert answer.status_code == 401
    assert answer.headers["X-Usher-Reason"] == "missing"
