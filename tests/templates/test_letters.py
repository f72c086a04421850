"""Every letter, with sample facts: both forms, the same words, one button, our links only."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import workflows  # noqa: F401
from web.letter_samples import TOKEN, samples
from workflows.engine import stationery
from workflows.engine.app import bare_app
from workflows.engine.register import REGISTER
from workflows.engine.settings import Settings

BASE, SUPPORT = "https://usher.example", "https://help.example/usher"
FOLDER = Path(__file__).parents[2] / "templates" / "email"
SHARED = {"letter", "commands"}


def app_with(**wishes):
    wishes = {"base_url": BASE, "support_url": SUPPORT, **wishes}
    secret = "a key for tests, long enough to be one"
    return bare_app(Settings(embedded=True, secret_key=secret, database_url="sqlite://", **wishes))


with app_with().app_context():
    NAMES = list(samples())


def written(name, app=None, **facts):
    with (app or app_with()).app_context():
        to, known = samples()[name]
        return stationery.write(name, to, {**known, **facts})


class Paper(HTMLParser):
    """What a letter's HTML says: its words in order, its links, its headings and buttons."""

    def __init__(self, html):
        super().__init__()
        self.words, self.links, self.buttons, self.tags = [], [], [], []
        self._link = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.tags.append(tag)
        if tag == "a":
            self.links.append(known["href"])
            self._link = known["href"]
            if known.get("class") == "go":
                self.buttons.append(known["href"])

    def handle_endtag(self, tag):
        if tag == "a":
            self.words.append(self._link)
        if tag == "style":
            self.words.clear()

    def handle_data(self, text):
        self.words.append(text)


def plain(text):
    """The words alone: quotes, colons and line ends are each form's own."""
    return re.sub(r"[“”\"]|(?<=\w)[:.](?=\s|$)|^-- $", " ", text, flags=re.M).split()


def body_of(html, subject, url):
    """The words of the HTML form that the text form says too."""
    words = " ".join(Paper(html).words).partition("Hello")
    again = f"The button does nothing? Open this address: {url}"
    return plain(words[1] + words[2]), plain(again)


def without(words, some):
    at = next(i for i in range(len(words)) if words[i : i + len(some)] == some)
    return words[:at] + words[at + len(some) :]


def test_every_registered_letter_has_both_forms_and_a_sample():
    assert set(NAMES) == set(REGISTER)
    assert {file.stem for file in FOLDER.glob("*.txt")} - SHARED == set(REGISTER)
    assert {file.stem for file in FOLDER.glob("*.html")} - SHARED == set(REGISTER)


@pytest.mark.parametrize("name", NAMES)
def test_there_is_one_heading_and_one_button(name):
    paper = Paper(written(name).html)

    assert paper.tags.count("h1") == 1
    assert len(paper.buttons) == 1
    assert not {"img", "script", "form", "iframe", "link"} & set(paper.tags)


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_say_the_same_words_in_the_same_order(name):
    letter = written(name)
    url = Paper(letter.html).buttons[0]

    said, again = body_of(letter.html, letter.subject, url)

    assert without(said, again) == plain(letter.text)


@pytest.mark.parametrize("name", NAMES)
def test_lines_are_no_longer_than_72_columns_but_for_links_and_commands(name):
    lines = written(name).text.splitlines()

    prose = [line for line in lines if not line.startswith("    ")]
    assert max(map(len, prose)) <= 72
    assert not [line for line in prose if "://" in line], "a link stands on a line of its own"


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_us_or_to_support(name):
    letter = written(name)

    links = {*Paper(letter.html).links, *re.findall(r"\w+://[^\s\"']+", letter.text)}

    assert SUPPORT in links
    assert [link for link in links - {SUPPORT} if not link.startswith(f"{BASE}/")] == []


@pytest.mark.parametrize("name", NAMES)
def test_without_a_place_for_help_none_is_named(name):
    letter = written(name, app_with(support_url=""))

    assert "Questions?" not in letter.text + letter.html


@pytest.mark.parametrize("name", NAMES)
def test_the_product_has_the_name_it_was_given_and_subjects_are_short(name):
    letter = written(name, app_with(product_name="Foyer"))

    assert "Usher" not in letter.subject + letter.text + letter.html
    assert 0 < len(letter.subject) <= 78
    assert letter.subject.isprintable()


@pytest.mark.parametrize("name", NAMES)
def test_organizations_stand_in_quotes(name):
    letter = written(name)

    for form, quoted in ((letter.subject + letter.text, '"%s"'), (letter.html, "“%s”")):
        text = " ".join(re.sub(r"<title>.*?</title>", "", form).split())
        assert text.count("Acme Robotics") == text.count(quoted % "Acme Robotics")


@pytest.mark.parametrize("name", ["token", "token_reissued"])
def test_a_token_comes_with_a_command_for_each_client(name):
    text = written(name).text

    for command in (
        f"export CONDA_TOKEN_REPO_URL={BASE}/repo/",
        f"conda token set {TOKEN}",
        f"mamba install -c {BASE}/t/{TOKEN}/repo/main PACKAGE",
        f"pixi workspace channel add {BASE}/t/{TOKEN}/repo/main",
        f"pip install --index-url {BASE}/t/{TOKEN}/repo/simple/ PACKAGE",
        f"export UV_INDEX=usher={BASE}/repo/simple/",
        "export UV_INDEX_USHER_USERNAME=__token__",
        f"export UV_INDEX_USHER_PASSWORD={TOKEN}",
        f'curl -fLO -H "Authorization: Bearer {TOKEN}" {BASE}/repo/FILE',
    ):
        assert f"\n    {command}\n" in text
    assert "conda-token" not in text


def test_the_old_token_ends_when_the_letter_says():
    overlap = " ".join(written("token_reissued").text.split())
    assert "works until 25 November 2026, 10:04 UTC" in overlap
    at_once = written("token_reissued", old_ends_at=None).text
    assert "The old token has stopped working" in at_once


def test_fewer_seats_are_not_paid_for_now():
    text = written("subscription_updated", seats=10, before=12, amount="$0.00").text

    assert "From the next bill on you pay for fewer seats." in text


def test_what_a_mail_server_said_is_quoted_in_one_line_and_leads_nowhere():
    reply = "550 no\r\n\r\n    https://evil.test " + "x" * 999
    text = written("invitation_bounced", reply=reply).text

    assert "550 no https: //evil. test..." in " ".join(text.split())
    assert len(text) < 1200
