"""Address files: the e-mail addresses in a table or a list that somebody exported, typed or pasted.

What would surprise a reader: no row is passed over. In a table only the column with the addresses
is read, so that names and notes beside them are not taken for bad addresses; a row that has
nothing there is listed all the same, with what it does have.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workflows import guest_lists
from workflows.engine.refusals import Invalid
from workflows.guest_lists import Entry

MOST_BYTES = 2_000_000
HEADING = re.compile(r"(e-?mail|mail)([ _-]?address(es)?)?|address(es)?", re.IGNORECASE)
SEPARATORS = ",;\t|"
NAMED = re.compile(r"sep=(.)\r?\n")  # how Excel says which separator follows
HEAD = 4096  # characters in which a separator is looked for


class Row(NamedTuple):
    """A row of a table, and the line on which it begins."""

    place: int
    cells: list[str]

    @property
    def said(self) -> str:
        return " ".join(cell.strip() for cell in self.cells if cell.strip())


def in_file(content: bytes, column: str) -> list[Entry]:
    """The entries of a file; or `Invalid` that says what it is instead, or which columns it has."""
    return in_text(decode(content), column)


def typed(text: str, column: str) -> list[Entry]:
    """The entries of what was typed or pasted: a table has a row of headings, or a named column."""
    first, _, rest = text.strip().partition("\n")
    separator = _separator(first)
    headed = bool(separator) and any(map(HEADING.fullmatch, _cells(first, separator)))
    is_table = rest and separator and (column or (headed and "@" not in first))
    return in_text(text, column) if is_table else list(guest_lists.split(text))


def as_typed(row: str) -> str:
    """A row as it can be typed again: in brackets, where its pieces could be other addresses."""
    return f"<{row}>" if re.search(r"[\s,;]", row) and "<" not in row else row


def in_text(text: str, column: str) -> list[Entry]:
    """The entries of a table, or of a plain list, with the lines on which they stand."""
    if named := NAMED.match(text):
        text = "\n" + text[named.end() :]
    separator = named[1] if named else _separator(text[:HEAD])
    if not separator or separator not in text:
        return list(_listed(text))
    rows = [row for row in _rows(text, separator) if row.said]
    if not rows:
        return []
    headed = "@" not in rows[0].said
    chosen = _column(rows, headed, column.strip())
    below = rows[1:] if headed else rows
    if chosen is None:
        return [one for row in below for one in _anywhere(row)]
    name = rows[0].cells[chosen].strip() if headed else str(chosen + 1)
    return [one for row in below for one in _in_column(row, chosen, name)]


def _separator(text: str) -> str:
    """What stands between the cells; nothing if there is one column."""
    first = text.partition("\n")[0]
    found = max(SEPARATORS, key=lambda one: (first.count(one), text.count(one)))
    return found if found in text else ""


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _listed(text: str) -> Iterator[Entry]:
    for place, line in enumerate(text.split("\n"), 1):
        if place == 1 and HEADING.fullmatch(line.strip().strip('"')):
            continue
        yield from (Entry(place, one.written) for one in guest_lists.split(line))


def _rows(text: str, separator: str) -> list[Row]:
    """The rows of a table; one with a quotation mark too many takes no other with it."""
    try:
        return list(_parsed(io.StringIO(text, newline=""), separator, strict=True))
    except csv.Error:
        lines = enumerate(text.split("\n"), 1)
    try:
        return [
            Row(place, row.cells)
            for place, line in lines
            for row in _parsed([line], separator, strict=False)
        ]
    except csv.Error:
        raise Invalid(file="This file cannot be read as a list. Save it as CSV.") from None


def _parsed(lines: Sequence[str] | io.StringIO, separator: str, *, strict: bool) -> Iterator[Row]:
    reader, begins = csv.reader(lines, delimiter=separator, strict=strict), 1
    for cells in reader:
        yield Row(begins, cells)
        begins = reader.line_num + 1


def _column(rows: list[Row], headed: bool, wish: str) -> int | None:
    """The column with the addresses; None for every cell of a table that is but a list."""
    names = [cell.strip() for cell in rows[0].cells] if headed else []
    if wish:
        return _wished(names, max(len(row.cells) for row in rows), wish)
    for number, name in enumerate(names):
        if HEADING.fullmatch(name):
            return number
    with_some = {n for row in rows for n, cell in enumerate(row.cells) if "@" in cell}
    if len(with_some) == 1:
        return with_some.pop()
    if not headed:
        return None
    words = ", ".join(f"“{name}”" for name in names if name)
    found = "No column has" if not with_some else "Several columns have"
    raise Invalid(column=f"{found} addresses. Type the heading of the right one: {words}.")


def _wished(names: list[str], width: int, wish: str) -> int:
    """The column with this heading, or this number, counted from 1."""
    folded = [name.casefold() for name in names]
    if wish.casefold() in folded:
        return folded.index(wish.casefold())
    if wish.isdecimal() and len(wish) < 4 and 1 <= int(wish) <= width:
        return int(wish) - 1
    words = ", ".join(f"“{name}”" for name in names if name)
    others = f"Headings are {words}." if words else f"There are {width} columns: type a number."
    raise Invalid(column=f"No column is called “{wish}”. {others}")


def _in_column(row: Row, number: int, name: str) -> Iterator[Entry]:
    cell = row.cells[number].strip() if len(row.cells) > number else ""
    if not cell:
        yield Entry(row.place, row.said, f"The column “{name}” is empty in this row.")
    yield from (Entry(row.place, one) for one in _of_cell(cell))


def _anywhere(row: Row) -> Iterator[Entry]:
    found = [cell.strip() for cell in row.cells if "@" in cell]
    if not found:
        yield Entry(row.place, row.said, "No cell of this row has an @ sign.")
    yield from (Entry(row.place, one) for cell in found for one in _of_cell(cell))


def _of_cell(cell: str) -> list[str]:
    """The address alone, of `Kim, Hana <hana@example.org>`; several, of a cell that has them."""
    named = re.findall(r"<([^<>]*)>", cell)
    if named:
        return [one.strip() for one in named]
    if cell.count("@") > 1 and re.search(r"[,;\s]", cell):
        return [one.written for one in guest_lists.split(cell)]
    return [cell] if cell else []


def decode(content: bytes) -> str:
    """The text, in the encodings that office programs write."""
    if len(content) > MOST_BYTES:
        raise Invalid(file="This file is larger than 2 MB. Split it.")
    if content.startswith(b"PK\x03\x04"):
        raise Invalid(file="This is a workbook. Save it as CSV, and choose that file.")
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    raise Invalid(file="This file is not a text or CSV file.")


def _encodings(content: bytes) -> tuple[str, ...]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    if b"\0" in content[:HEAD:2]:
        return ("utf-16-be",)
    if b"\0" in content[1:HEAD:2]:
        return ("utf-16-le",)
    return ("utf-8-sig", "cp1252")
