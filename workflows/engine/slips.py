"""Slips: what is wrong with something that should be an e-mail address, and how to mend it."""

from __future__ import annotations

import re
import unicodedata

AT_IN_WORDS = re.compile(r"\s*[\[({<]\s*at\s*[\])}>]\s*|\s+at\s+", re.IGNORECASE)
MISFIT = re.compile(r"[^\w.!#$%&'*+/=?^`{|}~-]")
# What is looked for in this order, and the sentence; {0} is what was found.
SLIPS = (
    (r"^mailto:", "Remove “mailto:”."),
    (r"^(?:https?|ftp)://|^www\.", "This is the address of a web page."),
    (r"=\?", "It is encoded as in the head of a letter. Write it plainly."),
    (r"^[^@]*$", "It has no @ sign."),
    (r"@.*@", "It has two @ signs."),
    (r"^@", "Nothing is before the @ sign."),
    (r"@$", "Nothing is after the @ sign."),
    (r"\.\.", "It has two periods in a row. One is enough."),
    (r"^\.", "It begins with a period. Remove it."),
    (r"\.@", "A period is just before the @ sign. Remove it."),
    (r"@\.", "A period is just after the @ sign. Remove it."),
    (r"\.$", "It ends with a period. Remove it."),
    (r"@.*(,)", "A comma is after the @ sign. Write a period."),
    (r"@\[|@[0-9.]+$", "After the @ sign is the number of a computer. Write its name."),
    (r"@[^.]+$", "What follows the @ sign has no ending, such as “.com”."),
    (r"[<>()\[\]\"“”„'‘’`](?=@)|@.*[<>()\[\]\"“”„'‘’`]|^[<(\[\"“”„]",
     "Remove brackets and quotation marks."),
    (r"@.*_", "What follows the @ sign cannot have an underscore."),
    (r"@-|-\.|\.-|@.*-$", "A part after the @ sign begins or ends with a hyphen."),
    (r"\.([0-9]+)$", "“.{0}” is no ending of an address."),
    (r"(\S*\s+\S*)", "It has a space in it. Remove it."),
)  # fmt: skip


def mending(text: str, otherwise: str) -> str:
    """One sentence about the first slip, or what the parser said."""
    if unseen := _unseen(text):
        return f"It contains a character that cannot be seen ({unseen}). Type it again."
    if "@" not in text and AT_IN_WORDS.search(text):
        return "Write an @ sign in place of “at”."
    for pattern, sentence in SLIPS:
        if found := re.search(pattern, text, re.IGNORECASE):
            return sentence.format(*found.groups())
    local, _, domain = text.rpartition("@")
    if len(local) > 64 or len(text) > 254 or any(len(part) > 63 for part in domain.split(".")):
        return "It is too long."
    if strange := next((letter for letter in local if not letter.isascii()), None):
        return f"Before the @ sign is “{strange}”. Most mail servers take plain letters only."
    if misfit := MISFIT.search(local):
        return f"Before the @ sign is “{misfit[0]}”. Remove it."
    return otherwise


def _unseen(text: str) -> str | None:
    """The name of the first character that no page shows, such as a space of no width."""
    for letter in text:
        if unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp") or (
            letter != " " and unicodedata.category(letter) == "Zs"
        ):
            name = "tab" if letter == "\t" else unicodedata.name(letter, "").lower()
            return name or f"U+{ord(letter):04X}"
    return None
