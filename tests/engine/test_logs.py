"""Nothing secret and nobody's address stands in a log, whoever wrote it."""

import io
import json
import logging
import time

import pytest
from structlog.contextvars import bind_contextvars, clear_contextvars

from workflows.engine import logs, masks, seals
from workflows.engine.settings import Settings

KEY = "Xq3-uT8vLr0_zKe5Yw2bNs7dHf1cJg9mPa4o"
TOKEN = seals.PREFIX + "t" + "Q7" * 22
SECRETS = {  # a secret, and what a log may say where somebody wrote it
    "a token": (TOKEN, f"token is {TOKEN} here"),
    "half a token": (TOKEN[:20], f"cut off: {TOKEN[:20]}"),
    "a token after letters": (TOKEN, f"x{TOKEN}"),
    "a token in a path": (TOKEN, f"GET /t/{TOKEN}/repo/main/noarch/repodata.json HTTP/1.1"),
    "a strange token in a path": ("hunter2", "GET //t//hunter2/repo/ HTTP/1.1"),
    "an invitation's link": ("WzEsMF0.sig-nature", "https://u.test/join/WzEsMF0.sig-nature"),
    "a sign-up's link": ("WzEsMF0.sig-nature", "Exception on /signup/WzEsMF0.sig-nature [GET]"),
    "a reset's link": ("WzEsMF0.sig-nature", "'/reset/WzEsMF0.sig-nature'"),
    "a login in an address": ("hun/ter@2", "smtp://ann:hun/ter@2@mail.acme.test:587 refused"),
    "a password alone in an address": ("hunter2", "redis://:hunter2@redis.acme.test/0"),
    "a password on a short host": ("hunter2", "redis://:hunter2@redis/0 is away"),
    "a value called password": ("hunter2", "{'password': 'hunter2', 'name': 'Ann'}"),
    "a query": ("hunter2", "GET /x?csrf_token=hunter2&page=2"),
    "a header": ("aHVudGVyMjo=", "Authorization: Basic aHVudGVyMjo="),
    "our own key": (KEY, f"BadSignature with {KEY}"),
    "our database's password": ("Tr0mbone-77", "connecting as usher, Tr0mbone-77"),
    "the same, quoted": ("Tr0m/bone", "auth failed for Tr0m/bone"),
    "an address": ("ann.lee@acme.test", "recipient ann.lee@acme.test refused"),
}


@pytest.fixture
def settings():
    return Settings(
        secret_key=KEY,
        database_url="postgresql://usher:Tr0mbone-77@db.acme.test/usher",
        redis_url="redis://:Tr0m%2Fbone@redis.acme.test/0",
    )


@pytest.fixture
def written(settings):
    """A logger as a library has it, and what is written down of it."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    logger = logging.Logger("some.library")
    logger.addHandler(handler)

    def written(write):
        handler.setFormatter(logs.formatter(settings))
        out.seek(0)
        out.truncate()
        write(logger)
        return out.getvalue()

    return written


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_masked_wherever_it_stands(written, name):
    secret, text = SECRETS[name]

    def with_traceback(logger):
        try:
            raise RuntimeError(text)
        except RuntimeError:
            logger.exception("it broke")

    for write in (
        lambda logger: logger.warning(text),
        lambda logger: logger.warning("it was %s", text),
        lambda logger: logger.warning("request", extra={"path": text, "list": [text]}),
        with_traceback,
    ):
        line = written(write)
        assert secret not in line
        assert json.loads(line)["logger"] == "some.library"


def test_what_is_no_secret_stays_readable(written):
    said = "letter 7: later, 451 try again at https://mail.acme.test/why?page=2 (3 usherettes)"

    assert json.loads(written(lambda logger: logger.info(said)))["event"] == said


def test_the_same_address_has_the_same_sign_and_nobody_can_guess_it():
    one, other = masks.veil("ann@acme.test", KEY), masks.veil("ANN@acme.test", KEY)

    assert one == other
    assert one.startswith("mail:")
    assert one != masks.veil("ann@acme.test", KEY + "x")
    assert one != masks.veil("bob@acme.test", KEY)


@pytest.mark.parametrize("embedded", [True, False])
def test_a_record_is_one_line_whatever_it_holds(settings, written, embedded):
    settings.embedded = embedded
    forged = "x\nERROR usher: all is lost\r\x1b[31m\u2028\u202e\x00\x85"

    line = written(lambda logger: logger.warning("name: %s", forged, extra={"more": forged}))

    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert "all is lost" in line


def test_a_traceback_in_words_cannot_begin_a_line_of_its_own(settings, written):
    settings.embedded = True

    def breaks(logger):
        try:
            raise RuntimeError("x\nERROR usher: all is lost")
        except RuntimeError:
            logger.exception("it broke")

    first, *rest = written(breaks).splitlines()

    assert first == "ERROR some.library: it broke"
    assert rest
    assert all(line.startswith("    ") for line in rest)


def test_what_is_written_during_a_request_bears_its_id(written):
    bind_contextvars(request_id="f00")

    line = json.loads(written(lambda logger: logger.info("hello")))
    clear_contextvars()

    assert line["request_id"] == "f00"
    assert list(line)[:4] == ["at", "level", "logger", "event"]


@pytest.mark.parametrize(
    "text",
    [
        "/" + "a" * 60_000,
        "a@" + "b" * 60_000,
        "://" + ":" * 60_000,
        "@" + "://:" * 15_000,
        "://" + "/://" * 15_000 + "@",
        "/t" + "/" * 60_000,
        "token" + " " * 60_000,
    ],
    ids=lambda text: text[:6],
)
def test_a_long_line_of_a_strangers_is_masked_at_once(text):
    """A path of 60,000 letters held up the whole process for half a minute."""
    began = time.process_time()

    masks.veil(masks.mask(text), KEY)

    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://u:p@ss@queue/0", "redis://…@queue/0"),
        ("redis://:p@ss/w@queue/0", "redis://…@queue/0"),
        ("smtp://u@mail:25 a@b", "smtp://…@mail:25 a@b"),
        ("http://host/x@y", "http://host/x@y"),
        ("http://host/?to=http://u:p@other", "http://host/?to=http://…@other"),
    ],
)
def test_a_password_in_an_address_is_masked_up_to_its_last_at(text, shown):
    assert masks.mask(text) == shown
