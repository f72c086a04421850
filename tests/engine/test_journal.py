"""The journal is a file that is only ever added to, and read whatever broke off in it."""

from datetime import UTC, datetime

from workflows.engine import journal
from workflows.engine.journal import Ending

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def ending(number, reason="revoked"):
    return Ending(NOON, reason, bytes([number]) * 32)


def test_what_is_written_is_read_again_and_nobody_else_reads_it(tmp_path):
    file = tmp_path / "journal"

    journal.write(file, [ending(1), ending(2, "seat_revoked")])
    journal.write(file, [])
    journal.write(file, [ending(3, "member_gone")])

    assert journal.read(file) == [ending(1), ending(2, "seat_revoked"), ending(3, "member_gone")]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_line_that_broke_off_ends_nobody_and_spoils_no_other(tmp_path):
    file = tmp_path / "journal"
    journal.write(file, [ending(1), ending(2)])
    file.write_bytes(file.read_bytes()[:-10])

    journal.write(file, [ending(3)])

    assert journal.read(file) == [ending(1), ending(3)]


def test_where_there_is_no_file_nothing_has_ended(tmp_path):
    assert journal.read(tmp_path / "journal") == []
