"""The clock keeps the journal, and `./usher restored` wants it."""

from click.testing import CliRunner

from web import doctor
from workers.restored import restored
from workflows import restores, seats
from workflows.engine import journal


def test_the_clock_writes_down_once_what_has_ended(app, settings, cast, tmp_path, monkeypatch):
    settings.journal = str(tmp_path / "journal")
    monkeypatch.setattr(restores, "written", restores.Journal())
    ada = cast.account("Ada")
    bob = cast.seated(cast.organization(ada, seats=1), "Bob", ada)
    cast.secret(bob)
    restores.keep_journal()
    assert journal.read(tmp_path / "journal") == []

    seats.revoke(bob, by=ada)
    for _ in range(2):
        restores.keep_journal()
        monkeypatch.setattr(restores, "written", restores.Journal())  # another clock

    [ending] = journal.read(tmp_path / "journal")
    assert ending.reason == "seat_revoked"
    assert [(one.what, one.help) for one in doctor._journal(settings)] == [("journal", "")]


def test_without_a_journal_nothing_is_done_unless_it_is_wished(app, settings):
    said = CliRunner().invoke(restored)
    wished = CliRunner().invoke(restored, ["--without-journal"])

    assert said.exit_code == 1
    assert "JOURNAL is not set" in said.output
    assert wished.exit_code == 0, wished.output
    assert "You can start Usher." in wished.output or "SECRET_KEY" in wished.output
