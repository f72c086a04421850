"""What the domain of MAIL_FROM says of itself, asked of a real name server of our own."""

import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from workers import sender_domains

GOOD = {
    "acme.test.": "v=spf1 mx -all",
    "_dmarc.acme.test.": "v=DMARC1; p=reject",
    "s1._domainkey.acme.test.": "v=DKIM1; p=MIIB",
}


class NameServer:
    """Answers TXT questions from a table; a name above another one is there, and empty."""

    def __init__(self):
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind(("127.0.0.1", 0))
        self.texts = {}
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self):
        while True:
            try:
                asked, sender = self.line.recvfrom(4096)
            except OSError:
                return
            answer = dns.message.make_response(dns.message.from_wire(asked))
            answer.flags |= dns.flags.RA
            name = answer.question[0].name.to_text().lower()
            texts = self.texts.get(name, [])
            for text in [texts] if isinstance(texts, str) else texts:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", f'"{text}"'))
            if not any(one.endswith(name) for one in self.texts):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self.line.sendto(answer.to_wire(), sender)

    def resolver(self):
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.line.getsockname()[1]
        return resolver


@pytest.fixture
def names():
    server = NameServer()
    yield server
    server.line.close()


def advice(names, domain="acme.test"):
    found = sender_domains.look(domain, names.resolver())
    return {finding.what: finding.help for finding in found if finding.help}


def test_a_domain_with_all_three_needs_no_advice(names):
    names.texts = GOOD

    assert advice(names) == {}


def test_a_domain_that_says_nothing_is_advised_on_all_three(names):
    names.texts = {"acme.test.": "something else"}

    said = advice(names)

    assert list(said) == ["SPF", "DMARC", "DKIM"]
    assert "acme.test has no SPF record" in said["SPF"]
    assert "_dmarc.acme.test has no record" in said["DMARC"]
    assert "no key under _domainkey.acme.test" in said["DKIM"]


@pytest.mark.parametrize(
    ("texts", "words"),
    [("v=spf1 +all", "allows everybody"), (["v=spf1 mx -all", "v=spf1 a -all"], "one counts")],
)
def test_an_spf_record_that_protects_nobody_is_told(names, texts, words):
    names.texts = GOOD | {"acme.test.": texts}

    assert words in advice(names)["SPF"]


def test_a_domain_below_another_is_covered_by_its_policy(names):
    names.texts = GOOD | {
        "mail.acme.test.": "v=spf1 a -all", "s1._domainkey.mail.acme.test.": "v=DKIM1; p=MIIB",
    }  # fmt: skip

    assert advice(names, "mail.acme.test") == {}


def test_a_name_server_that_is_silent_is_an_advice_and_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(sender_domains, "PATIENCE", 0.5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], silent.getsockname()[1]

        [finding] = sender_domains.look("acme.test", resolver)

    assert finding.advice
    assert "cannot be asked" in finding.help
