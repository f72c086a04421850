"""A mail server that refuses, lies, hangs or is somebody else: every letter arrives in the end."""

import email
import email.policy
import logging
import re
from collections import defaultdict

import hostile
import pytest
from hostile import Trouble

from workers import mailers, post
from workflows import guest_lists, invitations, tokens
from workflows.engine.db import db
from workflows.engine.letters import Attempt, Letter

VERBS = ("banner", "EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "letter", "RSET", "QUIT")
DEEDS = ("451", "550", "silence", "reset", "one byte at a time")
TROUBLES = [Trouble(verb, deed) for verb in VERBS for deed in DEEDS] + [
    Trouble("letter", "451 and the letter"),
    Trouble("letter", "550 and the letter"),
    Trouble("STARTTLS stripped"),
    Trouble("expired certificate"),
    Trouble("certificate of another host"),
    Trouble("certificate nobody signed"),
]
UNTRUSTED = ("STARTTLS stripped", "certificate")
FOR_GOOD = ("RCPT", "DATA", "letter")  # a 5xx there is about the letter, and no second try helps
SECRET = re.compile(r"ush[a-z][0-9A-Za-z]{40,}|/join/[\w.-]+")
MINUTE, HOUR = 60.0, 3600.0
SLOW = ("silence", "one byte at a time")
HASTE = {"ANSWER_SECONDS": 0.2, "LETTER_SECONDS": 0.4}  # while such trouble lasts
ANN, BO = "ann@acme.test", "bo@acme.test"


@pytest.fixture
def sink(tmp_path, monkeypatch):
    """A mail server that can be told what to do wrong."""
    kinds, trusted = hostile.certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    server = hostile.MailServer(kinds, spared=ANN)
    yield server
    server.stop()


class Office:
    """Two invitations and a token are mailed for each trouble, and again if they bounced."""

    def __init__(self, cast, settings):
        self.settings, self.cast, self.rounds = settings, cast, 0
        self.ann = cast.account("Ann")
        self.acme = cast.organization(self.ann, seats=1)
        self.token = tokens.of(cast.seated(self.acme, "Bo", self.ann))
        tokens.activate(self.token, by=self.token.membership.account)
        cast.deliver()

    def post(self):
        self.rounds += 1
        self.guests = [f"{name}{self.rounds}@acme.test" for name in ("cy", "di")]
        guest_lists.invite(self.acme, " ".join(self.guests), by=self.ann)
        self.reissue()

    def reissue(self):
        holder = self.token.membership.account
        tokens.reissue(self.token, self.token.generation, 0, by=holder)

    def post_again(self):
        """What the people do whose letters came back."""
        for invitation in invitations.of_organization(self.acme)[:2]:
            invitations.resend(invitation, by=self.ann)
        self.reissue()

    def later(self, seconds):
        self.settings.clock_offset += seconds
        post.deliver()


def test_whatever_a_mail_server_does_every_letter_arrives_and_no_secret_shows(
    app, settings, sink, cast, caplog, monkeypatch, verdict, full
):
    caplog.set_level(logging.DEBUG)
    office, wrong, tries = Office(cast, settings), [], 3 if full else 1
    verdict.about("R11", troubles=len(TROUBLES), letters=3 * len(TROUBLES), tries_each=tries)

    for trouble in TROUBLES:
        sink.mails.clear()
        office.post()
        with sink.troubled(trouble), monkeypatch.context() as patch:
            for name, seconds in HASTE.items() if trouble.deed in SLOW else ():
                patch.setattr(mailers, name, seconds)
            for _ in range(tries):
                office.later(MINUTE)
            came = letters_in(sink)
        office.later(2 * HOUR)
        wrong += [f"{trouble}: {what}" for what in complaints(office, sink, trouble, came)]

    assert wrong == []
    assert SECRET.findall(sink.clear.decode()) == []
    assert b"acme.test" not in sink.clear
    assert SECRET.findall(caplog.text + told()) == []
    verdict.holds(lost=0, secrets_in_clear=0)


def complaints(office, sink, trouble, came_meanwhile):
    """What is not as promised after the trouble is over."""
    if trouble.at.endswith(UNTRUSTED) and came_meanwhile:
        yield "letters were given to somebody else"
    bounced = trouble.deed.startswith("5") and trouble.at in FOR_GOOD
    if bounced and letters_in(sink).keys() != {("invitation_bounced", ANN)}:
        yield "the inviter did not hear of letters that came back"
    if bounced:
        office.post_again()
        office.later(0)
    here = letters_in(sink)
    for one in [*(("invitation", guest) for guest in office.guests), ("token_reissued", BO)]:
        if one not in here:
            yield f"{one} is lost"
    for one, repeats in here.items():
        if any(len(set(contents)) > 1 for contents in repeats.values()):
            yield f"{one} came again with different bytes"


def letters_in(sink):
    """The letters that arrived, by kind and address: for each Message-ID, the bytes that came."""
    found = defaultdict(lambda: defaultdict(list))
    for content in list(sink.mails):
        mail = email.message_from_bytes(content, policy=email.policy.default)
        kind = mail["Message-ID"].split(".")[1].partition("@")[0]
        found[kind, mail["To"]][mail["Message-ID"]].append(content)
    return found


def told():
    """Whatever was written down of a mail server's words."""
    db.session.rollback()
    columns = (db.select(Letter.reply), db.select(Attempt.reply))
    return " ".join(str(reply) for words in columns for reply in db.session.scalars(words))
