"""What the domain of MAIL_FROM tells other mail servers: SPF, DKIM and DMARC.

It is all advice: letters without them leave, and then lie among the spam.
"""

from __future__ import annotations

from collections.abc import Iterator

import dns.resolver
from dns.exception import DNSException

from workflows.engine.findings import Finding

PATIENCE = 4.0  # seconds for each question


def look(domain: str, resolver: dns.resolver.Resolver | None = None) -> Iterator[Finding]:
    """Three questions to the DNS."""
    try:
        ask = resolver or dns.resolver.Resolver()
        yield _spf(domain, ask)
        yield _dmarc(domain, ask)
        yield _dkim(domain, ask)
    except DNSException as error:
        asked = f"The DNS cannot be asked about {domain} from here ({type(error).__name__})."
        yield Finding("SPF, DKIM", f"{asked} Look from elsewhere.", advice=True)


def _spf(domain: str, ask: dns.resolver.Resolver) -> Finding:
    found = [text for text in _texts(domain, ask) if text.lower().startswith("v=spf1")]
    if len(found) > 1:
        return Finding("SPF", f"{domain} has {len(found)} SPF records; one counts.", advice=True)
    if not found:
        return Finding("SPF", f"{domain} has no SPF record that names your server.", advice=True)
    everybody = found[0].lower().split()[-1] in ("+all", "all")
    sentence = f"The SPF record of {domain} allows everybody (+all). End it with -all or ~all."
    return Finding("SPF", sentence if everybody else "", advice=everybody)


def _dmarc(domain: str, ask: dns.resolver.Resolver) -> Finding:
    """A record of the domain, or of one above it."""
    above = domain
    while "." in above:
        for text in _texts(f"_dmarc.{above}", ask):
            if text.lower().replace(" ", "").startswith("v=dmarc1"):
                return Finding("DMARC")
        above = above.partition(".")[2]
    record = "v=DMARC1; p=none; rua=mailto:…"
    return Finding("DMARC", f"_dmarc.{domain} has no record. Begin with {record}", advice=True)


def _dkim(domain: str, ask: dns.resolver.Resolver) -> Finding:
    """Which selector signs, only letters tell; but where no name at all is there, none can."""
    try:
        ask.resolve(f"_domainkey.{domain}", "TXT", lifetime=PATIENCE, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        none = f"There is no key under _domainkey.{domain}: no letter can be signed."
        return Finding("DKIM", none, advice=True)
    return Finding("DKIM")


def _texts(name: str, ask: dns.resolver.Resolver) -> list[str]:
    try:
        answer = ask.resolve(name, "TXT", lifetime=PATIENCE, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return []
    return [b"".join(row.strings).decode("utf-8", "replace") for row in answer]
