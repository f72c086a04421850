"""What keeps Usher from starting, and what does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workflows.engine import safety
from workflows.engine.settings import Settings

ROOT = Path(__file__).parents[2]
SOUND = {
    "SECRET_KEY": "Xq3-uT8vLr0_zKe5Yw2bNs7dHf1cJg9mPa4o",
    "DATABASE_URL": "postgresql://usher:Tr0mbone-77@db.acme.test/usher",
    "REDIS_URL": "rediss://:Tr0mbone-77@redis.acme.test:6380/0",
    "SMTP_URL": "smtp://usher:Tr0mbone-77@mail.acme.test:587",
    "MAIL_FROM": "Usher <usher@acme.test>",
    "BASE_URL": "https://usher.acme.test",
}


@pytest.fixture
def why(monkeypatch):
    """The reasons against starting on this environment, each in a line."""

    def why(**changes):
        for name in [*SOUND, *changes]:
            monkeypatch.delenv(name, raising=False)
        for name, value in (SOUND | changes).items():
            monkeypatch.setenv(name, str(value))
        return safety.examine()[1]

    return why


def test_a_sound_environment_starts(why):
    assert why() == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is missing"),
        ("SECRET_KEY", "Xq3-uT8vLr0_zKe5Yw2bNs7dHf1cJg9", "shorter than 32"),
        ("SECRET_KEY", "k" * 48, "SECRET_KEY looks like an example"),
        ("SECRET_KEY", "please-change-me-to-something-of-your-own", "SECRET_KEY looks like"),
        ("OLD_SECRET_KEYS", "short", "A key in OLD_SECRET_KEYS is shorter"),
        ("OLD_SECRET_KEYS", "k" * 48, "A key in OLD_SECRET_KEYS looks like an example"),
        ("TOKEN_KEYS", "1=short", "A key in TOKEN_KEYS is shorter"),
        ("TOKEN_KEYS", "Xq3-uT8vLr0_zKe5Yw2bNs7dHf1cJg9mPa4o", "A key in TOKEN_KEYS is shorter"),
        ("TOKEN_KEYS", "=Xq3-uT8vLr0_zKe5Yw2bNs7dHf1cJg9mPa4o", "TOKEN_KEYS must look like"),
        ("TOKEN_KEYS", ",".join([f"1={SOUND['SECRET_KEY']}"] * 2), "TOKEN_KEYS must look like"),
        ("DATABASE_URL", "", "DATABASE_URL is missing"),
        ("DATABASE_URL", "mysql://u:Tr0mbone-77@db/x", "DATABASE_URL must begin with"),
        ("DATABASE_URL", "not an address", "DATABASE_URL must look like"),
        ("DATABASE_URL", "sqlite:///usher.db", "DATABASE_URL must name SQLite's file"),
        ("DATABASE_URL", "postgresql://u:password@db.acme.test/x", "DATABASE_URL has a password"),
        ("REDIS_URL", "", "REDIS_URL is missing"),
        ("REDIS_URL", "https://redis.acme.test", "REDIS_URL must look like"),
        ("REDIS_URL", "redis://redis.acme.test:port", "REDIS_URL must look like"),
        ("SMTP_URL", "", "SMTP_URL is missing"),
        ("SMTP_URL", "http://mail.acme.test", "SMTP_URL must look like"),
        ("SMTP_URL", "smtp://mail.acme.test?tls=maybe", "SMTP_URL must look like"),
        ("SMTP_URL", "smtp://mail.example.com:587", "stands in examples only"),
        ("MAIL_FROM", "", "MAIL_FROM is missing"),
        ("MAIL_FROM", "Usher", "MAIL_FROM must be an e-mail address"),
        ("MAIL_FROM", "usher@localhost", "MAIL_FROM must be an e-mail address"),
        ("MAIL_FROM", "usher@example.com", "stands in examples only"),
        ("BASE_URL", "", "BASE_URL is missing"),
        ("BASE_URL", "http://usher.acme.test", "BASE_URL must begin with https://"),
        ("BASE_URL", "https://usher.acme.test/sub", "a scheme and a host alone"),
        ("BASE_URL", "https://usher.acme.test?x=1", "a scheme and a host alone"),
        ("BASE_URL", "https://ann:Tr0mbone-77@usher.acme.test", "a scheme and a host alone"),
        ("BASE_URL", "usher.acme.test", "BASE_URL must look like"),
        ("BASE_URL", "https://usher.example.com", "stands in examples only"),
        ("TRUSTED_HOSTS", "https://usher.acme.test", "TRUSTED_HOSTS has 'https"),
        ("TRUSTED_HOSTS", "*", "TRUSTED_HOSTS has '*'"),
        ("TRUSTED_PROXIES", "all", "TRUSTED_PROXIES is 'all'. It must be a whole number from 0"),
        ("PORT", "0", "PORT is '0'. It must be a whole number from 1 to 65535."),
        ("BILLING", "barter", "BILLING is 'barter'. It must be 'pretend'"),
        ("BILLING", "stripe", "BILLING=stripe is not there yet"),
        ("CURRENCY", "euro", "CURRENCY is 'euro'. It must be written like USD."),
        ("PRICE_MONTHLY", "2,000", "PRICE_MONTHLY is '2,000'"),
        ("GRACE_DAYS", "-1", "GRACE_DAYS is '-1'"),
        ("PRODUCT_NAME", "x" * 61, "It must be 1 to 60 characters long."),
        ("PRODUCT_NAME", "Usher\nBcc: eve@evil.test", "PRODUCT_NAME has signs"),
        ("SUPPORT_URL", "javascript:alert(1)", "SUPPORT_URL must begin with"),
        ("CLOCK_OFFSET", "60", "CLOCK_OFFSET is for tests only"),
        ("CLOCK_OFFSET", "soon", "CLOCK_OFFSET is 'soon'. It must be a number."),
        ("FLASK_DEBUG", "1", "FLASK_DEBUG"),
    ],
)
def test_each_unsafe_value_is_one_sentence_without_a_secret(why, name, value, words):
    [reason] = why(**{name: value})

    assert words in reason
    assert reason.endswith(".")
    assert "Tr0mbone-77" not in reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "smtp://mail.acme.test?tls=off"),
        ("SMTP_URL", "smtps://mail.acme.test"),
        ("DATABASE_URL", "sqlite:////var/lib/usher/usher.db"),
        ("DATABASE_URL", "postgres://usher:Tr0mbone-77@db.acme.test/usher"),
        ("REDIS_URL", "redis://127.0.0.1:6379"),
        ("BASE_URL", "http://127.0.0.1:8000"),
        ("BASE_URL", "https://usher.acme.test/"),
        ("TRUSTED_HOSTS", "usher.acme.test, other.acme.test,"),
    ],
)
def test_what_an_operator_may_decide_starts(why, name, value):
    assert why(**{name: value}) == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://alarms.acme.test/", "ALARM_WEBHOOK must begin with https://"),
        ("https://usher:Tr0mbone-77@alarms.acme.test/", "without a login in it"),
        ("file:///etc/passwd", "ALARM_WEBHOOK must look like https://"),
        ("https:///path", "ALARM_WEBHOOK must look like https://"),
    ],
)
def test_alarms_go_to_a_safe_address(why, address, words):
    [reason] = why(ALARM_WEBHOOK=address, ALARM_KEY="5e8f2a9c" * 2 + "b1d7c3f6" * 2)

    assert words in reason
    assert "Tr0mbone-77" not in reason


def test_alarms_are_signed(why):
    address = "https://alarms.acme.test/usher"

    assert why(ALARM_WEBHOOK=address)[0].startswith("ALARM_KEY is missing")
    assert why(ALARM_WEBHOOK=address, ALARM_KEY="5e8f2a9c" * 2 + "b1d7c3f6" * 2) == []
    assert why(ALARM_WEBHOOK=address, ALARM_KEY="x" * 40)[0].startswith("ALARM_KEY looks like")


def test_all_reasons_are_told_at_once(why):
    reasons = why(PORT="http", GRACE_DAYS="x", SECRET_KEY="short", MAIL_FROM="", FLASK_DEBUG="1")

    assert [reason.split()[0] for reason in reasons] == [
        "PORT", "GRACE_DAYS", "SECRET_KEY", "MAIL_FROM", "FLASK_DEBUG,",
    ]  # fmt: skip


def test_a_secret_may_stand_in_a_file_of_ours(why, tmp_path):
    file = tmp_path / "key"
    file.write_text(SOUND["SECRET_KEY"] + "\n")
    file.chmod(0o640)

    assert why(SECRET_KEY="", SECRET_KEY_FILE=file) == []
    assert safety.examine()[0].secret_key == SOUND["SECRET_KEY"]


def test_a_secret_in_a_file_that_is_not_as_it_should_be_is_told(why, tmp_path):
    file = tmp_path / "key"
    missing = why(SECRET_KEY="", SECRET_KEY_FILE=file)
    file.write_text("")
    file.chmod(0o600)
    empty = why(SECRET_KEY="", SECRET_KEY_FILE=file)
    file.write_text(SOUND["SECRET_KEY"])
    file.chmod(0o644)
    open_to_all = why(SECRET_KEY="", SECRET_KEY_FILE=file)
    file.chmod(0o600)
    twice = why(SECRET_KEY_FILE=file)

    assert f"SECRET_KEY_FILE is {file}, which cannot be read: No such file" in missing[0]
    assert "which is empty" in empty[0]
    assert open_to_all == [f"SECRET_KEY_FILE is {file}, which everybody may read: chmod o= {file}"]
    assert twice == ["SECRET_KEY and SECRET_KEY_FILE are both set. Leave one out."]


def test_settings_printed_anywhere_tell_no_secret():
    printed = repr(Settings(**{name.lower(): value for name, value in SOUND.items()}))

    assert "usher.acme.test" in printed
    assert "Tr0mbone-77" not in printed
    assert SOUND["SECRET_KEY"] not in printed


PROCESSES = {
    "web": ["granian", "--interface", "asginl", "--port", "0", "web.asgi:app"],
    "worker": ["dramatiq", "workers.queue", "--processes", "1"],
    "clock": [sys.executable, "-m", "workers.clock"],
    "release": ["flask", "--app", "web.wsgi", "db", "upgrade"],
    "operator": [sys.executable, "launch.py", "operator", "add", "ann@acme.test"],
}


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_says_why_it_does_not_start_and_ends(name):
    environment = SOUND | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GRACE_DAYS": "a fortnight",
        "SMTP_URL": "smtp://usher:Tr0mbone-77@mail.acme.test?tls=never",
    }

    ended = subprocess.run(
        PROCESSES[name], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180
    )
    said = ended.stdout + ended.stderr

    assert ended.returncode != 0
    assert "GRACE_DAYS is 'a fortnight'. It must be a whole number from 0 to 365." in said
    assert "SMTP_URL must look like" in said
    assert "Traceback" not in said
    assert "Tr0mbone-77" not in said
