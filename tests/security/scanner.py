"""A mail scanner: it opens every link of a letter, follows what it finds and submits every form.

What would surprise a reader: it knows nothing but the page before it. It tries the words that look
like an address there, and leaves a password empty: one that makes up a password, and keeps it, is
a person as far as anybody can tell.
"""

import re
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from security.town import HERE

WORD = re.compile(r"[^\s<>\"“”()@]+@[^\s<>\"“”()]+\w")
DEPTH = 2


class Forms(HTMLParser):
    """The links of a page, and its forms, each as method, action and fields."""

    def __init__(self, html):
        super().__init__()
        self.links, self.forms = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        if tag == "a" and "href" in known:
            self.links.append(known["href"])
        if tag == "form":
            self.forms.append((known.get("method", "get"), known.get("action"), {}))
        if known.get("formaction") and self.forms:  # a button that sends its form elsewhere
            self.forms.insert(0, ("post", known["formaction"], self.forms[-1][2]))
        if tag in ("input", "textarea", "select", "button") and known.get("name") and self.forms:
            self.forms[-1][2][known["name"]] = (known.get("type", "text"), known.get("value", ""))


class Scanner:
    """One scan, with cookies as a browser has them."""

    def __init__(self, town):
        self.browser = town.app.test_client()
        self.seen, self.submitted, self.crashes = set(), [], town.crashes

    def scan(self, link, depth=DEPTH):
        """Open it, then everything on it."""
        address = urlsplit(urljoin(HERE, link))
        path = address._replace(scheme="", netloc="", fragment="").geturl()
        if not f"{address.scheme}://{address.netloc}".startswith(HERE) or path in self.seen:
            return
        self.seen.add(path)
        self._look(self.browser.get(path, base_url=HERE), path, depth)

    def _look(self, answer, path, depth):
        assert answer.status_code < 500, self.crashes
        if answer.status_code in (301, 302, 303, 307, 308):
            return self.scan(urljoin(path, answer.location), depth)
        if depth < 0 or not answer.mimetype.startswith("text/html"):
            return
        page = Forms(answer.text)
        for link in page.links:
            self.scan(urljoin(path, link), depth - 1)
        for method, action, fields in page.forms:
            for guess in ["", *dict.fromkeys(WORD.findall(answer.text))]:
                self._submit(method, urljoin(path, action or path), filled(fields, guess), depth)

    def _submit(self, method, action, form, depth):
        if method.lower() == "get":
            return self.scan(f"{action}?{urlencode(form)}", depth - 1)
        self.submitted.append(action)
        answer = self.browser.post(action, base_url=HERE, data=form)
        self._look(answer, action, depth - 1)


def filled(fields, guess):
    """What is there stays, what is empty is guessed, a password is not known."""
    return {
        name: value or ("" if kind in ("password", "hidden") else guess)
        for name, (kind, value) in fields.items()
    }
