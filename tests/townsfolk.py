"""People who take the whole journey through the public doors, and keep a ledger of every yes.

They know what people know: pages, and what the mail server took. While a door is away they try
again; a deed counts as promised once it was answered.
"""

import email
import email.policy
import http.client
import random
import re
import threading
import time
from collections import Counter, defaultdict
from html import unescape
from urllib.parse import urlencode, urlsplit

from procfile import PASSWORD

FEW = 20  # are invited without being shown first
CARD = {"card_number": "4242424242424242", "expiry": "12/39", "cvc": "123"}
LINK = re.compile(r"https?://[^\s/]+(/(?:join|signup)/[\w.-]+)")
TOKEN = re.compile(r"usht[0-9A-Za-z]{44}")
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
OUT_OF_SERVICE = (502, 503, 504)


class Postbox:
    """What the mail server has taken, by recipient and kind."""

    def __init__(self, sink):
        self.sink, self.read, self.reading = sink, 0, threading.Lock()
        self.letters = defaultdict(lambda: defaultdict(list))  # (to, kind): Message-ID: what opens

    def look(self):
        """Read what came since the last look."""
        with self.reading:
            while self.read < len(self.sink.mails):
                self._read(self.sink.recipients[self.read], self.sink.mails[self.read])
                self.read += 1

    def _read(self, recipients, content):
        letter = email.message_from_bytes(content, policy=email.policy.default)
        [to], key = recipients, str(letter["Message-ID"])
        kind = key.partition(".")[2].partition("@")[0]
        text = letter.get_body(("plain",)).get_content()
        self.letters[to, kind][key].append((*LINK.findall(text), *TOKEN.findall(text)))

    def opening(self, to, kind):
        """What a letter of this kind opens, None until one is there."""
        self.look()
        found = self.letters.get((to, kind))
        return next(iter(found.values()))[0] if found else None

    def kinds(self):
        """How many different letters of each kind each person has had."""
        return Counter({key: len(found) for key, found in self.letters.items()})

    def repeats(self):
        return sum(len(came) - 1 for found in self.letters.values() for came in found.values())

    def differing(self):
        """Letters that came more than once and did not open the same each time."""
        every = [(key, came) for found in self.letters.values() for key, came in found.items()]
        return [key for key, came in every if len(set(came)) > 1]


class Town:
    """The doors there are, the letters that came, and what was promised to whom."""

    def __init__(self, base_url, doors, postbox, patience):
        self.host, self.doors, self.postbox = urlsplit(base_url).netloc, doors, postbox
        self.patience = patience  # seconds, for a door to answer and a letter to come
        self.promised, self.answers, self.counting = Counter(), Counter(), threading.Lock()

    def promise(self, to, kind):
        with self.counting:
            self.promised[to, kind] += 1

    def answered(self, how):
        with self.counting:
            self.answers[how] += 1

    def missing(self):
        """Letters that somebody was promised and that have not come."""
        self.postbox.look()
        return self.promised - self.postbox.kinds()

    def mailed(self, to, kind):
        """What the letter of this kind opens, once it has come."""
        return self.wait(lambda: self.postbox.opening(to, kind), f"{kind} to {to}")

    def wait(self, question, what):
        ending = time.monotonic() + self.patience
        while time.monotonic() < ending:
            if (answer := question()) is not None:
                return answer
            time.sleep(0.1)
        raise AssertionError(f"waited in vain for {what}; answers were {dict(self.answers)}")


class Person:
    """Somebody with a browser."""

    def __init__(self, town, name):
        self.town, self.name, self.email = town, name, f"{name}@acme.example"
        self.cookies = {}

    def ask(self, path, form=None, **headers):
        """Status, where to go on, and text; None where no door answered, or had no time."""
        sent = urlencode(form) if form is not None else None
        headers |= {
            "Host": self.town.host,
            "Cookie": "; ".join(map("=".join, self.cookies.items())),
        }
        if sent is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        line = http.client.HTTPConnection("127.0.0.1", random.choice(self.town.doors), timeout=20)
        try:
            line.request("POST" if form is not None else "GET", path, sent, headers)
            answer = line.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self.town.answered(type(error).__name__)
            return None
        finally:
            line.close()
        self.town.answered(answer.status)
        if answer.status in OUT_OF_SERVICE:
            return None
        for cookie in answer.headers.get_all("Set-Cookie", ()):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.headers.get("Location", ""), text

    def look(self, path, **headers):
        return self.town.wait(lambda: self.ask(path, **headers), path)

    def send(self, path, page=None, **typed):
        """Fill in the form that leads to `path` until it is answered; whether this answer is a yes.

        Where an earlier one was lost, a page without the form, or a refusal, says: it is done.
        """
        tries = 0

        def answered():
            nonlocal tries
            status, _, text = self.look(page or path)
            fields = _hidden(text, path) if status == 200 else None
            if fields is None:
                return False if tries else self._fail(path, status, text)
            tries += 1
            said = self.ask(path, {**fields, **typed})
            if said is None or said[0] == 303:
                return said and True
            return False if tries > 1 else self._fail(path, said[0], said[2])

        return self.town.wait(answered, path)

    def log_in(self):
        self.send("/login", email=self.email, password=PASSWORD)

    def passes(self, token):
        """Whether the gate lets this token pass."""
        return self.look("/gate", Authorization=f"Bearer {token}")[0] == 204

    def mailed(self, kind):
        """What the letter of this kind opens, which this person was promised."""
        self.town.promise(self.email, kind)
        return self.town.mailed(self.email, kind)

    def _fail(self, path, status, text):
        said = " ".join(re.sub("<[^>]*>", " ", text).split())
        raise AssertionError(f"{self.email} at {path}: {status} {said[-500:]}")


def _hidden(page, path):
    """What the form that leads to this path holds beside what is typed; None where it is not."""
    for form in re.findall(r"<form.*?</form>", page, re.DOTALL):
        leads = re.search(r'action="([^"]*)"', form[: form.index(">")])
        if leads is None or leads[1] == path:
            return {name: unescape(value) for name, value in HIDDEN.findall(form)}
    return None


def found(town, slug, seats):
    """Sign up, form an organization and buy it seats; answers its owner."""
    owner = Person(town, f"owner-of-{slug}")
    owner.send("/signup", name="Ada", email=owner.email, password=PASSWORD)
    [link] = owner.mailed("confirm_sign_up")
    owner.look(link)
    if not owner.send("/signup/confirm", name="Ada", password=PASSWORD):
        owner.log_in()
    owner.send("/organizations/new", name="Acme", slug=slug)
    owner.send(f"/{slug}/subscriptions/new", seats=str(seats), interval="monthly")
    owner.send(f"/{slug}/subscriptions/pay", **CARD)
    town.promise(owner.email, "subscription_started")
    return owner


def invite(owner, slug, number):
    """So many people, each with a letter and, as long as there are some, a seat on joining."""
    people = [Person(owner.town, f"guest{one}-of-{slug}") for one in range(number)]
    for first in range(0, number, FEW):
        few = people[first : first + FEW]
        addresses = " ".join(person.email for person in few)
        owner.send(f"/{slug}/invitations/new", addresses=addresses, seat="true")
        for person in few:
            owner.town.promise(person.email, "invitation")
    return people


def arrive(person, owner, slug, *, reissues):
    """From the letter to a token that passes; False where all seats were taken by then."""
    link = person.town.mailed(person.email, "invitation")[0]
    person.look(link)
    if not person.send("/join/signup", name="Guest", password=PASSWORD):
        person.log_in()
    person.town.promise(owner.email, "invitation_accepted")
    at = f"/{slug}/token"
    if _hidden(person.look(at)[2], f"{at}/activate") is None:
        return False
    person.mailed("seat_assigned")
    person.send(f"{at}/activate", at)
    [token] = set(person.mailed("token"))
    assert person.passes(token), "a mailed token does not work"
    if reissues:
        person.send(f"{at}/reissue", at, hours="0")
        [newer] = set(person.mailed("token_reissued"))
        assert (person.passes(token), person.passes(newer)) == (False, True)
    return True
