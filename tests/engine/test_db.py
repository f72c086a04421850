"""One command, one transaction."""

import threading
from contextlib import suppress

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from workflows import organizations
from workflows.accounts import Account
from workflows.engine.app import bare_app
from workflows.engine.db import RUNS, command, db, now
from workflows.engine.refusals import NotNow, Unavailable


@command
def rename(account, name, error=None):
    account.name = name
    db.session.flush()
    if error:
        raise error


def name_in_the_database(account):
    db.session.rollback()
    return db.session.scalar(db.select(Account.name).filter_by(id=account.id))


def test_a_command_that_raises_leaves_nothing_behind(cast):
    ann = cast.account("Ann")

    with pytest.raises(NotNow):
        rename(ann, "Anna", NotNow("No."))

    assert name_in_the_database(ann) == "Ann"


def test_a_command_inside_another_ends_with_it(cast):
    ann = cast.account("Ann")

    @command
    def outer():
        rename(ann, "Anna")
        raise NotNow("No.")

    with pytest.raises(NotNow):
        outer()

    assert name_in_the_database(ann) == "Ann"


def test_a_lost_race_is_run_again(cast):
    ann = cast.account("Ann")
    errors = [
        StaleDataError("overtaken"),
        OperationalError("", {}, Exception("database is locked")),
    ]

    @command
    def stumbling():
        ann.name += "a"
        db.session.flush()
        if errors:
            raise errors.pop()

    stumbling()

    assert name_in_the_database(ann) == "Anna"  # each run began with the row as it was


def test_trouble_that_does_not_pass_is_told_as_such(cast):
    runs = []

    @command
    def locked():
        runs.append(1)
        raise OperationalError("", {}, Exception("database is locked"))

    with pytest.raises(Unavailable):
        locked()

    assert len(runs) == RUNS


def test_a_mistake_of_ours_is_not_tried_again(cast):
    runs = []

    @command
    def broken():
        runs.append(1)
        db.session.execute(db.text("SELECT * FROM no_such_table"))

    with pytest.raises(DBAPIError, match="no_such_table"):
        broken()

    assert len(runs) == 1


def test_updates_of_many_threads_are_all_kept(app, cast):
    ann = cast.account("Ann")
    person_id = ann.id
    db.session.rollback()

    @command
    def count_up():
        account = db.session.get_one(Account, person_id)
        account.password_round += 1

    done = []

    def work():
        for _ in range(20):
            with app.app_context(), suppress(StaleDataError):  # overtaken each time, and told so
                done.append(count_up())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.rollback()
    assert ann.password_round == len(done) > 100


def renamed_elsewhere(app, person_id, name):
    """Whether somebody else could rename this person meanwhile, in a thread of their own."""

    def elsewhere():
        with app.app_context():
            rename(db.session.get_one(Account, person_id), name)

    writer = threading.Thread(target=elsewhere)
    writer.start()
    writer.join(timeout=120)
    return not writer.is_alive()


def test_an_open_page_holds_up_no_command_and_the_reverse(app, cast):
    ann = cast.account("Ann")
    person_id = ann.id
    db.session.rollback()
    page = db.session.scalars(db.select(Account)).all()  # a read transaction stays open

    assert renamed_elsewhere(app, person_id, "Anna")
    assert page[0].name == "Ann"
    rename(ann, "Annette")  # reads its row again before it writes
    assert name_in_the_database(ann) == "Annette"


def test_a_command_begins_with_the_rows_as_they_are_now(app, cast):
    ann = cast.account("Ann")
    person_id = ann.id
    db.session.rollback()
    assert ann.name == "Ann"  # read by a page, in a transaction that stays open
    assert renamed_elsewhere(app, person_id, "Anna")

    @command
    def look():
        return ann.name

    assert look() == "Anna"


def test_moments_know_their_zone(cast):
    acme = cast.organization(cast.account("Ann"))
    db.session.expire_all()

    assert acme.since.utcoffset().total_seconds() == 0
    assert abs((now() - acme.since).total_seconds()) < 60


def test_the_clock_can_be_moved_in_tests(app, settings):
    before = now()
    settings.clock_offset = 86400

    assert (now() - before).days == 1


def test_history_cannot_be_rewritten(cast):
    organizations.found("Acme", "acme", by=cast.account("Ann"))

    for statement in (
        "UPDATE actions SET by_id = NULL",
        "DELETE FROM actions",
        "UPDATE steps SET target = 'left'",
        "DELETE FROM steps",
    ):
        with pytest.raises(Exception, match="history is append-only"):
            db.session.execute(db.text(statement))
        db.session.rollback()


def test_a_database_that_goes_at_the_very_end_takes_no_answer_back(settings, monkeypatch):
    app = bare_app(settings)

    def gone(*_):
        raise OperationalError("ROLLBACK", {}, Exception("server closed the connection"))

    with app.app_context():
        db.session.scalars(db.select(Account)).all()
        monkeypatch.setattr(db.session(), "close", gone)

    with app.app_context():
        assert db.session.scalars(db.select(Account)).all() == []
