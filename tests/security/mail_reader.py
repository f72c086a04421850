"""A strict reader of mail, after RFC 5322, 2045, 2046 and 2047, that knows only what we may send.

What would surprise a reader: it shares nothing with the package that writes our letters. Whatever
it does not expect is an error; a lenient reader would see only what it wants to see.
"""

import base64
import re
from dataclasses import dataclass
from html.parser import HTMLParser

FIELD = re.compile(r"([A-Za-z][A-Za-z-]*): ?(.*)", re.DOTALL)
WORD = re.compile(r"=\?utf-8(?:\*[a-z]+)?\?([bq])\?([!-<>-~=]*?)\?=", re.IGNORECASE)
ESCAPED = re.compile(r"=([0-9A-F]{2})")
LOADS = ("src", "srcset", "background", "poster", "data", "action", "formaction", "ping", "cite")


@dataclass(frozen=True)
class Read:
    """A letter as its recipient's program sees it."""

    fields: list[tuple[str, str]]  # names as written, values unfolded and decoded
    text: str
    html: str

    def __getitem__(self, name):
        [value] = (value for known, value in self.fields if known.lower() == name.lower())
        return value


def read(content):
    """The letter in these bytes; an AssertionError for anything that is not as it should be."""
    text = content.decode("ascii")
    lines = text.split("\r\n")
    assert lines[-1] == "", "it does not end with the end of a line"
    assert not re.search(r"[\r\n\0]", "".join(lines)), "a bare CR or LF, or a NUL"
    assert max(map(len, lines)) <= 998
    head, body = _parted(text)
    fields = [(name, _decoded(value)) for name, value in _fields(head)]
    kind, boundary = _kind(dict(_fields(head))["Content-Type"])
    assert kind == "multipart/alternative"
    plain, html = _parts(body, boundary)
    return Read(fields, _content(plain, "text/plain"), _content(html, "text/html"))


def _parted(text):
    head, empty_line, body = text.partition("\r\n\r\n")
    assert empty_line, "there is no body"
    return head, body


def _fields(head):
    """Names and values, still encoded; every line that could have been folded is short."""
    for field in re.split(r"\r\n(?![ \t])", head):
        found = FIELD.fullmatch(field)
        assert found, field
        for line in field.split("\r\n"):
            assert line.strip(), "a line of spaces ends the head for some programs"
            assert len(line) <= 78 or " " not in line.strip().partition(": ")[2], line
        yield found[1], found[2].replace("\r\n", "").strip()


def _decoded(value):
    """Encoded words as what they say; spaces between two of them are not there."""
    value = re.sub(r"\?=[ \t]+=\?", "?==?", value)
    return WORD.sub(lambda word: _octets(*word.groups()).decode(), value)


def _octets(encoding, text):
    if encoding in "bB":
        return base64.b64decode(text, validate=True)
    return _unescaped(text.replace("_", " "))


def _unescaped(text):
    assert not re.search(r"=(?![0-9A-F]{2})", text), "a loose = sign"
    return ESCAPED.sub(lambda sign: chr(int(sign[1], 16)), text).encode("latin-1")


def _kind(value):
    kind, *parameters = (piece.strip() for piece in value.split(";"))
    known = dict(piece.split("=", 1) for piece in parameters)
    return kind, known.get("boundary", known.get("charset", "")).strip('"')


def _parts(body, boundary):
    before, *parts, after = re.split(rf"(?:^|\r\n)--{re.escape(boundary)}(?:--)?\r\n", body)
    assert (before, after) == ("", "")
    assert body.endswith(f"\r\n--{boundary}--\r\n")
    return parts


def _content(part, wanted):
    head, body = _parted(part)
    fields = dict(_fields(head))
    assert set(fields) <= {"Content-Type", "Content-Transfer-Encoding", "MIME-Version"}
    assert fields["Content-Transfer-Encoding"] == "quoted-printable"
    assert _kind(fields["Content-Type"]) == (wanted, "utf-8")
    assert max(map(len, body.split("\r\n"))) <= 76
    return _unescaped(body.replace("=\r\n", "")).decode().replace("\r\n", "\n")


class Page(HTMLParser):
    """What a letter's HTML shows, where it leads, and what it would run or fetch."""

    def __init__(self, html):
        super().__init__()
        self.words, self.links, self.tags, self.active = [], [], [], []
        self._link = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            fetches = "url(" in (value or "") or "expression" in (value or "")
            if name.startswith("on") or name in LOADS or (name == "style" and fetches):
                self.active.append((tag, name, value))
            if name == "href":
                self.links.append(value)
        if tag == "a":
            self._link = dict(attrs).get("href")

    def handle_endtag(self, tag):
        if tag == "a":
            self.words.append(self._link)
        if tag == "style":
            self.words.clear()

    def handle_data(self, text):
        self.words.append(text)
