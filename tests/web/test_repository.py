"""The built-in repository: files, ranges, conditions, and nothing outside the folder."""

import os
import random
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_to_bytes

import pytest
from werkzeug.http import http_date
from werkzeug.test import Client

from web import repository

SECRET = b"outside the folder"
BODY = bytes(range(256)) * 1000


@pytest.fixture
def folder(tmp_path):
    repo = tmp_path / "repo"
    (repo / "main" / "noarch").mkdir(parents=True)
    (repo / "main" / "noarch" / "repodata.json").write_bytes(b"{}")
    (repo / "main" / "x-1.0-0.conda").write_bytes(BODY)
    (repo / "main" / "empty.conda").write_bytes(b"")
    (repo / "main" / ".hidden").write_bytes(SECRET)
    (repo / ".git").mkdir()
    (repo / ".git" / "config").write_bytes(SECRET)
    (tmp_path / "secret").write_bytes(SECRET)
    return repo


@pytest.fixture
def client(folder):
    def app(environ, start_response):
        answer = repository.serve(folder, environ["PATH_INFO"].lstrip("/"), environ)
        return answer(environ, start_response)

    return Client(app)


FILE = "/repo/main/x-1.0-0.conda"


def test_a_file_comes_whole_with_what_a_client_needs_to_ask_again(client):
    answer = client.get(FILE)

    assert answer.status_code == 200
    assert answer.data == BODY
    assert answer.headers["Content-Length"] == str(len(BODY))
    assert answer.headers["ETag"].startswith('"')
    assert answer.headers["Last-Modified"].endswith("GMT")
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private"
    assert "Content-Encoding" not in answer.headers


def test_a_page_in_the_folder_cannot_act_for_the_person_who_reads_it(client):
    answer = client.get(FILE)

    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_head_says_the_same_without_the_body(client):
    get, head = client.get(FILE), client.head(FILE)

    assert head.data == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("repodata.json", "application/json"),
        ("repodata.json.zst", "application/zstd"),
        ("repodata_shards.msgpack.zst", "application/zstd"),
        ("x.conda", "application/octet-stream"),
        ("x.tar.bz2", "application/x-bzip2"),
        ("x.tar.gz", "application/gzip"),
        ("x-1.0-py3-none-any.whl", "application/octet-stream"),
        ("page.html", "text/html; charset=utf-8"),
        ("page.svg", "application/octet-stream"),
        ("unknown", "application/octet-stream"),
    ],
)
def test_each_kind_of_file_has_its_type_and_never_an_encoding(client, folder, name, type_):
    (folder / name).write_bytes(b"x")

    answer = client.get(f"/repo/{name}")

    assert answer.headers["Content-Type"] == type_
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("BYTES=10-19", 10, 19),
        ("bytes=255990-", 255_990, 255_999),
        ("bytes=255990-999999999", 255_990, 255_999),
        ("bytes=-5", 255_995, 255_999),
        ("bytes=70000-140000", 70_000, 140_000),
    ],
)
def test_a_range_gives_these_bytes_and_no_others(client, asked, first, last):
    answer = client.get(FILE, headers={"Range": asked})

    assert answer.status_code == 206
    assert answer.data == BODY[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(BODY)}"
    assert answer.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=999999-9999999", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused_with_the_size(client, asked):
    answer = client.get(FILE, headers={"Range": asked})

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(BODY)}"
    assert answer.text == "The file has no such bytes.\n"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=5-2",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "lines=0-1",
        "bytes",
        "",
        "bytes=" + "9" * 5000 + "-",
        "bytes=0-" + "9" * 5000,
        "bytes=٣-٤".encode().decode("latin-1"),
        "bytes = 0-1",
        "bytes=-256000",
        "bytes=-999999999",
    ],
)
def test_a_range_that_cannot_be_read_gives_the_whole_file(client, asked):
    answer = client.get(FILE, headers={"Range": asked})

    assert answer.status_code == 200
    assert answer.data == BODY


def test_ranges_put_together_make_the_file(client):
    parts = [
        client.get(FILE, headers={"Range": f"bytes={at}-{at + 9_999}"}).data
        for at in range(0, len(BODY), 10_000)
    ]

    assert b"".join(parts) == BODY


def test_a_range_of_an_empty_file_or_of_a_head_is_no_range(client):
    empty = client.get("/repo/main/empty.conda", headers={"Range": "bytes=0-"})
    head = client.head(FILE, headers={"Range": "bytes=0-1"})

    assert (empty.status_code, empty.data) == (200, b"")
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(BODY)))


def test_a_client_that_has_the_file_is_not_sent_it_again(client):
    first = client.get(FILE)
    tag, changed = first.headers["ETag"], first.headers["Last-Modified"]

    for headers in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"other", {tag}'},
        {"If-None-Match": "*"},
        {"If-None-Match": f"W/{tag}"},
        {"If-Modified-Since": changed},
        {"If-None-Match": tag, "Range": "bytes=0-1"},
    ):
        answer = client.get(FILE, headers=headers)
        assert (answer.status_code, answer.data) == (304, b""), headers
        assert answer.headers["ETag"] == tag
        assert answer.headers["Cache-Control"] == "private"
        assert client.head(FILE, headers=headers).status_code == 304


def test_a_client_with_an_older_file_gets_the_new_one(client):
    past = http_date(datetime.now(UTC) - timedelta(days=400))

    for headers in (
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": http_date(datetime.now(UTC))},
        {"If-Modified-Since": past},
        {"If-Modified-Since": "yesterday"},
        {"If-None-Match": "\xff\xfe"},
        {"If-None-Match": '"' * 4001},
    ):
        assert client.get(FILE, headers=headers).status_code == 200, headers


def test_a_download_goes_on_only_if_the_file_is_still_the_same(client, folder):
    first = client.get(FILE)
    tag, changed = first.headers["ETag"], first.headers["Last-Modified"]
    of_range = {"Range": "bytes=0-1"}

    for same in (tag, changed):
        assert client.get(FILE, headers=of_range | {"If-Range": same}).status_code == 206
    for other in ('"other"', http_date(datetime.now(UTC) - timedelta(days=9)), "nonsense"):
        assert client.get(FILE, headers=of_range | {"If-Range": other}).status_code == 200

    (folder / "main" / "x-1.0-0.conda").write_bytes(BODY[::-1])
    answer = client.get(FILE, headers=of_range | {"If-Range": tag})
    assert (answer.status_code, answer.data) == (200, BODY[::-1])
    assert client.get(FILE, headers={"If-Match": tag}).status_code == 412


# Each as it stands in the request line, percent-encoding included.
CLIMBS = [
    "/repo/../secret",
    "/repo/main/../../secret",
    "/repo/main/noarch/../../../secret",
    "/repo/..%2fsecret",
    "/repo/%2e%2e/secret",
    "/repo/%2e%2e%2fsecret",
    "/repo/.%2e/secret",
    "/repo/%2E./secret",
    "/repo/%252e%252e/secret",
    "/repo/%252e%252e%252fsecret",
    "/repo/%25252e%25252e/secret",
    "/repo/..%5csecret",
    "/repo/..\\secret",
    "/repo/%5c..%5csecret",
    "/repo/....//secret",
    "/repo/..../secret",
    "/repo/..;/secret",
    "/repo/;/../secret",
    "/repo/%c0%ae%c0%ae/secret",
    "/repo/%c0%ae%c0%ae%c0%afsecret",
    "/repo/%e0%80%ae%e0%80%ae/secret",
    "/repo/%ef%bc%8e%ef%bc%8e/secret",
    "/repo/%e2%80%a4%e2%80%a4/secret",
    "/repo/%u002e%u002e/secret",
    "/repo/..%00/secret",
    "/repo/main/%00../../secret",
    "/repo/..%0d%0a/secret",
    "/repo/main//../../secret",
    "/repo//secret",
    "/repo//etc/passwd",
    "/repo/%2fetc/passwd",
    "/repo/%2f%2fetc%2fpasswd",
    "/repo///etc/passwd",
    "/repo/file:///etc/passwd",
    "/repo/C:/secret",
    "/repo/~root/.bashrc",
    "/repo/.",
    "/repo/./",
    "/repo/..",
    "/repo/../",
    "/repo/simple/../../secret",
    "/repo/simple/..",
    "/repo/main/./x-1.0-0.conda",
    "/repo/.git/config",
    "/repo/%2egit/config",
    "/repo/main/.hidden",
    "/repo/main/%2ehidden",
    "/repo/%ff%fe",
    "/repo/%",
    "/repo/%zz",
    "/repo/%00",
    "/repo/main/x-1.0-0.conda%00.json",
    "/repo/main/x-1.0-0.conda/",
    "/repo/main/x-1.0-0.conda/..",
    "/repo/main/x-1.0-0.conda/more",
    "/repo/" + "a" * 300,
    "/repo/" + "a/" * 4000,
    "/repo/%f0%9f%92%a9",
    "/repo/%ed%a0%80",
    "/repo/main/x-1.0-0.conda%0a",
    "/repo/main%20/",
]


def as_sent(path):
    """The PATH_INFO that servers make of a request line."""
    return unquote_to_bytes(path).decode("latin-1")


@pytest.mark.parametrize("path", CLIMBS)
def test_no_spelling_of_a_path_leads_out_of_the_folder(folder, client, path):
    answer = client.get("/", environ_overrides={"PATH_INFO": as_sent(path)})

    assert answer.status_code in (400, 404)
    assert answer.text.count("\n") == 1
    assert answer.text.endswith(".\n")
    assert answer.headers["Cache-Control"] == "no-store"


def test_random_mixtures_of_bad_paths_never_leave_the_folder_nor_break(client):
    dice = random.Random(7)
    pieces = ["..", ".", "/", "//", "%2e", "%2f", "%00", "\\", "main", "simple", "é", "%", "\x7f"]

    for _ in range(3_000):
        path = "/repo/" + "".join(dice.choices(pieces, k=dice.randint(1, 8)))
        answer = client.get("/", environ_overrides={"PATH_INFO": as_sent(quote(path, "/%\\"))})
        assert answer.status_code in (200, 301, 400, 404), path
        assert SECRET not in answer.data


def test_a_symlink_is_followed_only_inside_the_folder(client, folder, tmp_path):
    (folder / "inside.conda").symlink_to(folder / "main" / "x-1.0-0.conda")
    (folder / "outside.conda").symlink_to(tmp_path / "secret")
    (folder / "relative.conda").symlink_to("../secret")
    (folder / "up").symlink_to(tmp_path)
    (folder / "unhidden").symlink_to(folder / "main" / ".hidden")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "broken").symlink_to(folder / "nowhere")

    assert client.get("/repo/inside.conda").data == BODY
    for path in ("outside.conda", "relative.conda", "up/secret", "unhidden", "loop", "broken"):
        assert client.get(f"/repo/{path}").status_code == 404, path


def test_the_folder_itself_may_be_a_symlink(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)

    def app(environ, start_response):
        answer = repository.serve(tmp_path / "link", environ["PATH_INFO"].lstrip("/"), environ)
        return answer(environ, start_response)

    assert Client(app).get(FILE).data == BODY


def test_what_is_no_regular_file_is_not_there(client, folder):
    os.mkfifo(folder / "pipe")

    for path in ("pipe", "main", "main/", "main/noarch/", "", "nothing", "nothing/"):
        assert client.get(f"/repo/{path}").status_code == 404, path
    assert client.get("/repo").status_code == 404


def test_without_a_folder_nothing_is_there(tmp_path):
    for folder in (None, tmp_path / "never made"):
        answer = repository.serve(folder, "repo/main/x.conda", {"REQUEST_METHOD": "GET"})
        assert answer.status_code == 404


def test_no_file_stays_open(client):
    tag = client.get(FILE).headers["ETag"]
    before = len(os.listdir("/proc/self/fd"))

    for headers in (
        {},
        {"Range": "bytes=5-9"},
        {"Range": "bytes=999999-"},
        {"If-None-Match": tag},
        {"If-Match": '"x"'},
    ):
        for _ in range(20):
            client.get(FILE, headers=headers).close()
            client.head(FILE, headers=headers).close()
    client.get("/repo/main").close()

    assert len(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def simple(folder):
    for path in (
        "hello-usher/hello_usher-1.0-py3-none-any.whl",
        "hello-usher/hello_usher-1.1.tar.gz",
        "hello-usher/notes.md",
        "hello-usher/.hidden-1.0.tar.gz",
        "Big.Tool/Big.Tool-2.0-py3-none-any.whl",
        "flat_one-0.1-py3-none-any.whl",
        "flat-one-0.2.tar.gz",
        "README",
    ):
        file = folder / "simple" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(path.encode())
    return folder / "simple"


def links(answer):
    return re.findall('href="([^"]*)"', answer.text)


def test_the_simple_index_lists_the_projects_by_their_normalised_names(client, simple):
    answer = client.get("/repo/simple/")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert links(answer) == ["big-tool/", "flat-one/", "hello-usher/"]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        (
            "hello-usher",
            [
                "../hello-usher/hello_usher-1.0-py3-none-any.whl",
                "../hello-usher/hello_usher-1.1.tar.gz",
            ],
        ),
        ("Hello_Usher", ["../hello-usher/hello_usher-1.0-py3-none-any.whl"]),
        ("big-tool", ["../Big.Tool/Big.Tool-2.0-py3-none-any.whl"]),
        ("flat-one", ["../flat-one-0.2.tar.gz", "../flat_one-0.1-py3-none-any.whl"]),
    ],
)
def test_a_projects_page_links_to_files_that_are_there(client, simple, name, files):
    answer = client.get(f"/repo/simple/{name}/")

    assert links(answer)[: len(files)] == files
    for link in files:
        path = os.path.normpath(f"/repo/simple/{name}/{link}")
        assert client.get(path).status_code == 200


def test_an_index_is_found_without_its_last_slash_and_keeps_the_token(client, simple):
    for path in ("simple", "simple/hello-usher"):
        answer = client.get(f"/repo/{path}")
        assert answer.status_code == 301
        assert answer.headers["Location"] == path.rpartition("/")[2] + "/"


def test_an_operators_own_index_goes_first(client, simple):
    (simple / "index.html").write_text("mine")
    (simple / "Big.Tool" / "index.html").write_text("big")

    assert client.get("/repo/simple/").text == "mine"
    assert client.get("/repo/simple/Big.Tool/").text == "big"
    moved = client.get("/repo/simple/big-tool/")
    assert (moved.status_code, moved.headers["Location"]) == (302, "../Big.Tool/")


def test_an_index_page_is_not_sent_twice(client, simple):
    tag = client.get("/repo/simple/hello-usher/").headers["ETag"]

    answer = client.get("/repo/simple/hello-usher/", headers={"If-None-Match": tag})

    assert answer.status_code == 304


def test_nothing_but_indexes_of_packages_is_listed(client, simple, folder, tmp_path):
    (simple / "leak-1.0.tar.gz").symlink_to(tmp_path / "secret")
    (simple / os.fsdecode(b"bad\xff-1.0.tar.gz")).write_bytes(b"")
    (simple / '"><b>-1.0.tar.gz').write_bytes(b"")

    page = client.get("/repo/simple/")
    project = client.get('/repo/simple/"><b>/')

    assert "leak" not in page.text
    assert "bad" not in page.text
    assert "<b>" not in page.text + project.text
    for path in ("simple/nothing/", "simple/hello-usher/deeper/", "simple/README/", "main/"):
        assert client.get(f"/repo/{path}").status_code == 404, path


def test_a_folder_of_wheels_may_stand_deeper(client, folder, simple):
    (folder / "team").mkdir()
    os.rename(simple, folder / "team" / "simple")

    assert links(client.get("/repo/team/simple/")) == ["big-tool/", "flat-one/", "hello-usher/"]
    assert client.get("/repo/team/simple/flat-one/").status_code == 200


def test_an_unreadable_folder_is_as_one_that_is_not_there(client, simple):
    if os.geteuid() == 0:
        pytest.skip("root can read every folder")
    simple.chmod(0)

    assert client.get("/repo/simple/").status_code == 404
    simple.chmod(0o755)
