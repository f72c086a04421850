"""Address files: the e-mail addresses in a file that somebody exported or typed.

What would surprise a reader: in a table with a column called e-mail only that column is read, so
that names and notes beside it are not taken for bad addresses. In any other table every cell with
an @ counts, and in a plain list everything does.
"""

from __future__ import annotations

import codecs
import csv
import re
from itertools import islice

from workflows.engine.refusals import Invalid

MOST_BYTES = 2_000_000
MOST_ROWS = 20_000
HEADING = re.compile(r"(e-?mail|mail)([ _-]?address(es)?)?|address(es)?", re.I)
SEPARATORS = ",;\t|"


def addresses(content: bytes) -> str:
    """The addresses in the file, a line for each; or `Invalid` that says what it is instead."""
    text = _decode(content)
    separator = max(SEPARATORS, key=text[:4096].count)
    if separator not in text[:4096]:
        return _without_heading(text)
    try:
        rows = list(islice(csv.reader(text.splitlines(), delimiter=separator), MOST_ROWS))
    except csv.Error:
        raise Invalid(file="This file cannot be read as a list. Save it as CSV.") from None
    headings = [cell.strip() for cell in rows[0]] if rows else []
    column = next((n for n, cell in enumerate(headings) if HEADING.fullmatch(cell)), None)
    if column is not None:
        return "\n".join(_bare(row[column]) for row in rows[1:] if len(row) > column)
    return "\n".join(_bare(cell) for row in rows for cell in row if "@" in cell)


def _bare(cell: str) -> str:
    """The address alone, of a cell such as `Kim, Hana <hana@example.org>`."""
    named = re.search(r"<([^<>]*)>", cell)
    return named.group(1) if named else cell


def _without_heading(text: str) -> str:
    first, _, rest = text.partition("\n")
    return rest if HEADING.fullmatch(first.strip().strip('"')) else text


def _decode(content: bytes) -> str:
    """The text, in the encodings that office programs write."""
    if len(content) > MOST_BYTES:
        raise Invalid(file="This file is larger than 2 MB. Split it.")
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise Invalid(file="This file is not a text or CSV file.")
