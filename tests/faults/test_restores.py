"""R13: backups are taken while Usher works, and each is restored. What ended since stays ended, and
what left since does not leave again."""

import sqlite3
import subprocess
import threading
from contextlib import closing, contextmanager

import databases
import pytest
from click.testing import CliRunner
from databases import NAMES
from people import PASSWORD, Cast
from racing import nothing_is_wrong

from workers.restored import restored
from workflows import accounts, departures, gate, invariants, restores, seats, sessions, tokens
from workflows.engine.app import bare_app
from workflows.engine.db import db
from workflows.memberships import Membership


class SQLite:
    """A file, copied as the documentation says."""

    def __init__(self, folder):
        self.folder = folder
        self.url = databases.settings_in(folder).database_url

    def back_up(self):
        with (
            closing(sqlite3.connect(self.folder / "usher.db")) as live,
            closing(sqlite3.connect(self.folder / "backup.db")) as copy,
        ):
            live.backup(copy)

    def restore(self, name):
        (self.folder / "backup.db").rename(self.folder / f"{name}.db")
        return f"sqlite:///{self.folder}/{name}.db"


class PostgreSQL:
    """A database, copied by `pg_dump` and made again by `pg_restore`."""

    def __init__(self, server, url, folder):
        self.server, self.url, self.file = server, url, folder / "backup"
        self.made = []

    def back_up(self):
        self._run("pg_dump", "--format=custom", f"--file={self.file}", f"--dbname={self.url}")

    def restore(self, name):
        url = self.server.create(name)
        self.made.append(name)
        self._run("pg_restore", f"--dbname={url}", str(self.file))
        return url

    def _run(self, program, *words):
        found = self.server.server.bin_path / program
        subprocess.run([found, *words], check=True, capture_output=True, timeout=120)


@pytest.fixture(params=NAMES)
def place(request, tmp_path):
    """Where a database of this kind is, and is backed up and restored."""
    if request.param == "sqlite":
        databases.shutil.copy(request.getfixturevalue("blank"), tmp_path / "usher.db")
        yield SQLite(tmp_path)
        return
    server = request.getfixturevalue("postgresql")
    with server.copy(tmp_path) as url:
        place = PostgreSQL(server, url, tmp_path)
        yield place
        for name in place.made:
            server.say(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running(folder, url):
    """Usher on this database."""
    settings = databases.settings_in(folder, url, journal=str(folder / "journal"))
    databases.loosen(settings)
    app = bare_app(settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@contextmanager
def busy(app, number):
    """Meanwhile others come and get seats, and letters that wait."""
    stop, failures = threading.Event(), []

    def live():
        with app.app_context():
            cast = Cast()
            owner = cast.account("Owner", f"owner{number}@busy.test")
            place = cast.organization(owner, f"Busy {number}", seats=100)
            for guest in range(100):
                if not stop.is_set():
                    cast.seated(place, f"guest{guest}of{number}", owner)

    def run():
        try:
            live()
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert failures == []


def test_a_backup_of_a_while_ago_brings_no_token_back_and_mails_nothing_twice(
    place, tmp_path, full, verdict
):
    rounds = 15 if full else 1
    verdict.about("R13", backups=rounds)
    verdict.database = type(place).__name__.lower()
    ended = letters = 0

    for number in range(rounds):
        with running(tmp_path, place.url) as app:
            town = Town(app, number)
            with busy(app, number):
                place.back_up()
                town.go_on()
            restores.Journal().keep(tmp_path / "journal")
        with running(tmp_path, place.restore(f"restored_{number}")) as app:
            assert set(invariants.count_all().values()) == {0}
            assert nothing_is_wrong()
            assert all(gate.judge(secret).passes for secret in town.ended.values())

            assert restores.outlived(tmp_path / "journal") == len(town.ended) + 1

            said = CliRunner().invoke(restored, catch_exceptions=False).output

            assert f"tokens of {4 + number} members" in said  # old ones of earlier days too
            town.look_around(said)
            assert restores.outlived(tmp_path / "journal") == 0
            assert nothing_is_wrong()
        ended, letters = ended + len(town.ended), letters + len(town.before)
    verdict.holds(tokens_ended_since=ended, passing=0, letters=letters, mailed_twice=0)


class Town:
    """People whose days before and after the backup differ."""

    def __init__(self, app, number):
        self.cast, self.number = Cast(), number
        self.ada = self.cast.account("Ada", f"ada{number}@acme.test")
        self.acme = self.cast.organization(self.ada, f"Acme {number}", seats=10)
        names = ("Lost", "Gone", "Again", "Same", "Late")
        people = {name: self._seated(name) for name in names}
        self.secrets = {name: self.cast.secret(people[name]) for name in names[:4]}
        tokens.activate(tokens.of(people["Late"]), by=people["Late"].account)  # its letter waits
        self.ids = {name: one.id for name, one in people.items()}
        self.session = sessions.open_session(self.ada)
        db.session.rollback()

    def _seated(self, name):
        return self.cast.seated(self.acme, f"{name}{self.number}", self.ada)

    def person(self, name):
        return db.session.get_one(Membership, self.ids[name])

    def go_on(self):
        """What happens after the backup, and is not in it."""
        seats.revoke(self.person("Lost"), by=self.ada)
        departures.remove(self.person("Gone"), by=self.ada)
        again = self.person("Again")
        tokens.reissue(tokens.of(again), 1, 24, by=again.account)
        invited = self.cast.invitation(self.acme, f"new{self.number}@acme.test", self.ada)
        self.highest = invited.id
        while self.cast.deliver():
            pass
        seats.revoke(self.person("Late"), by=self.ada)  # its letter has left by now
        self.ended = {name: self.secrets[name] for name in ("Lost", "Gone", "Again")}
        self.before = {(one.message_id, one.to) for one in self.cast.letters}

    def look_around(self, said):
        """The same people, after the restore."""
        assert [name for name, one in self.ended.items() if gate.judge(one).passes] == []
        assert gate.judge(self.secrets["Same"]).passes
        assert sessions.session_of(self.session) is None
        assert not self.person("Gone").active
        assert tokens.of(self.person("Late")) is None
        after = Cast()
        after.deliver()
        [letter] = after.letters
        assert (letter.template, letter.to) == ("token_reissued", f"again{self.number}@acme.test")
        assert gate.judge(letter.facts["token"]).passes
        if "SECRET_KEY" not in said:
            ada = accounts.check(f"ada{self.number}@acme.test", PASSWORD)
            acme = self.person("Same").organization
            assert after.invitation(acme, "other@acme.test", ada).id > self.highest
            assert not self.before & {(one.message_id, one.to) for one in after.deliver()}
