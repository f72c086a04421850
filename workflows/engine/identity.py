"""Who somebody says they are: one spelling of addresses, names and passwords for all of Usher.

Addresses are normalised here and nowhere else; the database's own lower() is never used.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import unicodedata
from functools import lru_cache

import email_validator
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error

from workflows.engine import slips
from workflows.engine.refusals import Invalid

email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()  # people do get mail at .local and .test
PASSWORD_LENGTHS = (12, 128)
LONGEST_NAME = 64
# "bit.ly" and "a@b" are links to a mail program; "J.R.R. Tolkien" and "Mr. T" are not.
LINK = re.compile(r"://|@|\bwww\.|\bmailto:|\w\.\w{2,}", re.IGNORECASE)
LONGEST_ADDRESS = 254
NO_ADDRESS = "This is not an e-mail address."
PLAIN = re.compile(r"(?=.{1,64}$)[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")
_hasher = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
_nobody = _hasher.hash("the password of nobody")


def parse_address(text: str) -> tuple[str, str]:
    """The address as written, and the key by which Usher knows it; or `Invalid(email=…)`."""
    text = text.strip()
    if not text:
        raise Invalid(email="Type an e-mail address.")
    local, _, domain = text.partition("@")
    try:
        if PLAIN.fullmatch(local) and (known := _with_domain(local, domain)):
            return known
        parsed = _parse(text)
    except (email_validator.EmailNotValidError, ValueError) as error:
        raise Invalid(email=f"{NO_ADDRESS} {slips.mending(text, str(error))}".strip()) from None
    return parsed.normalized, f"{parsed.local_part.lower()}@{parsed.ascii_domain.lower()}"


def _parse(text: str) -> email_validator.ValidatedEmail:
    if "=?" in text:  # looks like encoded text in the head of a letter
        raise ValueError("")
    return email_validator.validate_email(
        text, check_deliverability=False, allow_smtputf8=False, strict=True
    )


def _with_domain(local: str, domain: str) -> tuple[str, str] | None:
    """What the parser would answer for so plain a local part; None if they may be too long."""
    spelling, ascii_domain = _domain(domain)
    if len(local) + 1 + len(ascii_domain) > LONGEST_ADDRESS:
        return None
    return f"{local}@{spelling}", f"{local.lower()}@{ascii_domain}"


@lru_cache(maxsize=4096)
def _domain(domain: str) -> tuple[str, str]:
    """As written, and in ASCII. A list has few domains, and parsing takes longer than all else."""
    parsed = _parse(f"a@{domain}")
    return parsed.domain, str(parsed.ascii_domain).lower()


def key_of(text: str) -> str | None:
    """The key of an address; None where it is none."""
    try:
        return parse_address(text)[1]
    except Invalid:
        return None


def domain_of(address: str) -> str | None:
    """The domain of an address as mail servers know it; None where the address is none."""
    key = key_of(address)
    return key and key.rpartition("@")[2]


def mailbox(key: str) -> str:
    """Whose mailbox an address most likely is, for counting letters; never who somebody is."""
    local, _, domain = key.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def rationed_as(key: str) -> str:
    """What is counted together when letters are rationed: the mailbox, or all of its +tags.

    So whoever makes up tags keeps no letter from the plain address.
    """
    plain = mailbox(key)
    return plain if key == plain else f"+{plain}"


def network(client: str) -> str:
    """What one household or office has in common: an IPv4 address, or the first half of an IPv6."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)


def surroundings(client: str) -> str:
    """Roughly where somebody is, good enough to tell one's own: 198.51.100.0/24, or 2001:db8::/48.

    It is what may be kept: no whole address of a person rests in the database.
    """
    try:
        address = ipaddress.ip_address(network(client).partition("/")[0])
    except ValueError:
        return ""
    kept = 48 if isinstance(address, ipaddress.IPv6Address) else 24
    return str(ipaddress.ip_network(f"{address}/{kept}", strict=False))


def parse_name(text: str, field: str = "name") -> str:
    """A name of a person or an organization, safe to print anywhere; or `Invalid`."""
    name = parse_words(text, field, LONGEST_NAME, what="This name")
    if not name:
        raise Invalid(**{field: "Type a name."})
    if LINK.search(unicodedata.normalize("NFKC", name)):
        raise Invalid(**{field: "A name cannot contain a web address."})
    return name


def parse_words(text: str, field: str, longest: int, what: str = "This") -> str:
    """A few words from one person to another, on one line; or `Invalid`."""
    too_long = f"{what} is longer than {longest} characters."
    if len(text) > 4 * longest:  # before it is normalised, which takes long for long texts
        raise Invalid(**{field: too_long})
    words = " ".join(unicodedata.normalize("NFC", text).split())
    if len(words) > longest:
        raise Invalid(**{field: too_long})
    if any(unicodedata.category(letter)[0] == "C" for letter in words):
        raise Invalid(**{field: f"{what} contains characters that cannot be shown."})
    return words


def parse_password(text: str) -> str:
    """A password long enough to be one; or `Invalid(password=…)`."""
    shortest, longest = PASSWORD_LENGTHS
    if len(text) < shortest:
        raise Invalid(password=f"A password needs at least {shortest} characters.")
    if len(text) > longest:
        raise Invalid(password=f"A password may have at most {longest} characters.")
    return text


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def unusable_password() -> str:
    """What stands in place of a password that nobody can type."""
    return hash_password(secrets.token_urlsafe(32))


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password fits; the same work is done when there is nobody to compare with."""
    try:
        return _hasher.verify(password_hash or _nobody, password) and password_hash is not None
    except Argon2Error:
        return False
