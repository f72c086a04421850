"""No name and no address turns a letter into another one: more lines in its head, another
recipient, a link of theirs. Read by a reader of mail that shares nothing with what wrote them.

What would surprise a reader: most of these names are refused long before there is a letter. They
are written all the same, as if they had slipped through: each of both walls holds alone.
"""

import random
import re
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from security import hostile_names, mail_reader
from security.mail_reader import Page

from web.letter_samples import samples
from workers import packing
from workflows.engine import identity
from workflows.engine.app import bare_app
from workflows.engine.envelopes import Envelope
from workflows.engine.refusals import Invalid
from workflows.engine.settings import Settings

BASE, SUPPORT = "https://usher.example", "https://help.example/usher"
SEED = 20261124
AT = datetime(2026, 11, 24, 10, 4, tzinfo=UTC)
HEAD = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
        "Content-Type"]  # fmt: skip
WAY_OUT = ["List-Unsubscribe", "List-Unsubscribe-Post"]  # of letters that invite, before the rest
TAGS = {"html", "head", "meta", "title", "style", "body", "table", "tbody", "tr", "td", "h1", "p",
        "div", "a", "span", "br"}  # fmt: skip
NAMES = ("name", "organization", "inviter_name", "member_name", "asker_name", "reply", "word")
EMAILS = ("email", "inviter_email", "member_email", "asker_email", "host_email")
# What a mail program makes a link of by itself; an address of a person may be one.
LINKED = re.compile(r"\S*(?::(?=//)|www[.](?=\S)|\w[.．][^\W\d_]{2})\S*", re.IGNORECASE)
ADDRESS = re.compile(r"[“”\"(<]*[^\s@<>()\"/]+@[\w.-]+[”\")>,.:;]*")
SMALL, FULL = 60, 10_000


@pytest.fixture(scope="module", autouse=True)
def office():
    secret = "a key for tests, long enough to be one"
    wishes = {"base_url": BASE, "support_url": SUPPORT, "mail_from": "usher@usher.example"}
    app = bare_app(Settings(embedded=True, secret_key=secret, database_url="sqlite://", **wishes))
    with app.app_context():
        yield app


@pytest.fixture
def names(full):
    """Pairs of a hostile name and an address, always the same ones."""
    dice = random.Random(SEED)
    number = FULL if full else SMALL
    return [(hostile_names.name(dice), hostile_names.email(dice)) for _ in range(number)]


def letter(template, name, email):
    """The letter as bytes, with these in the place of all that people typed."""
    _, facts = samples()[template]
    typed = dict.fromkeys(NAMES, name) | dict.fromkeys(EMAILS, email)
    facts = {fact: typed.get(fact, value) for fact, value in facts.items()}
    envelope = Envelope(email, template, facts, f"<letter-7.{template}@usher.example>", AT)
    return packing.pack(envelope)


def judge(mail, email):
    """Whatever was typed, it is this letter to this person, and nothing else."""
    read = mail_reader.read(mail.content)
    page = Page(read.html)

    assert [field for field, _ in read.fields] == head(read)
    assert read["To"] == mail.to
    assert mail.to.count("@") == 1
    assert re.fullmatch(r"[!-~]+", mail.to)
    assert read["From"] == "usher@usher.example"
    assert read["Subject"] == " ".join(read["Subject"].split())
    assert read["Subject"].isprintable()
    assert not page.active
    assert set(page.tags) <= TAGS
    assert page.tags.count("h1") == page.tags.count("title") == 1
    assert strangers(read, page, email) == []
    assert said(page) == plain(read.text)
    return read


def head(read):
    """The fields that this letter has: one that invites, the button of mail programs too."""
    if f"{BASE}/never/" not in read.text:
        return HEAD
    assert read["List-Unsubscribe"] == f"<{BASE}/never/SAMPLE>"
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return [*HEAD[:6], *WAY_OUT, *HEAD[6:]]


def strangers(read, page, email):
    """Links that lead neither to us nor to whoever helps, in what is shown too."""
    shown = f"{read['Subject']}\n{read.text}\n{' '.join(page.words)}".replace(email, "@")
    words = (found[0].strip('“”"') for found in LINKED.finditer(shown))
    links = [*page.links, *(word for word in words if not ADDRESS.fullmatch(word))]
    return [link for link in links if not ours(link)]


def ours(link):
    link = re.sub("^(CONDA_TOKEN_REPO_URL|UV_INDEX=usher)=", "", link)  # as a command says it
    return link == SUPPORT or link.startswith(f"{BASE}/")


def plain(text):
    """The words alone: quotes, colons and line ends are each form's own."""
    return re.sub(r"[“”\"]|(?<=\w)[:.](?=\s|$)|^-- $", " ", text, flags=re.MULTILINE).split()


def said(page):
    """The words that the HTML form says from its greeting on, the address under the button once."""
    words = " ".join(page.words)
    words = re.sub(r"The button does nothing\? Open this address:\s+\S+", "", words)
    return plain(words[words.index("Hello") :])


def may_be_had(email):
    """The address as it is kept, or another one when it is none."""
    try:
        return identity.parse_address(email)[0]
    except Invalid:
        return "ines@acme.test"


def test_a_letter_is_safe_even_with_a_name_that_nobody_may_have(names, verdict):
    verdict.about("S10", names=len(names), seed=SEED)

    for name, email in names:
        kept = may_be_had(email)
        for template in samples():
            judge(letter(template, name, kept), kept)

    verdict.holds(letters=len(names) * len(samples()))


def test_a_name_that_may_be_had_arrives_as_it_was_typed():
    dice, arrived = random.Random(SEED), set()
    for _ in range(2_000):
        with suppress(Invalid):
            arrived.add(identity.parse_name(hostile_names.name(dice)))

    assert len(arrived) > 150
    for name in arrived:
        read = judge(letter("invitation", name, "ines@acme.test"), "ines@acme.test")
        assert read["Subject"] == f'{name} invites you to "{name}"'
        assert name in " ".join(read.text.split())
        assert name in " ".join(Page(read.html).words)


@pytest.mark.parametrize(
    "name",
    [
        "=?utf-8?q?=0D=0ABcc:_evil=40evil=2Etest?=",
        "=?utf-8?q?=0D=0A=0D=0A<h1>Pay</h1>?=",
        "=?utf-8?q?Ada?=",
    ],
)
def test_what_looks_encoded_in_a_name_is_read_as_it_was_typed(name):
    """Such a name passes `parse_name`: it holds no sign that could not be printed."""
    assert identity.parse_name(name) == name

    read = judge(letter("invitation", name, "ines@acme.test"), "ines@acme.test")

    assert read["Subject"] == f'{name} invites you to "{name}"'


@pytest.mark.parametrize(
    "email", ["=?utf-8?q?x?=@evil.test", "a=?utf-8?q?=0D=0ABcc=3Ax?=b@evil.test"]
)
def test_an_address_that_looks_encoded_is_none(email):
    with pytest.raises(Invalid):
        identity.parse_address(email)
