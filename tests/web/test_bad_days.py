"""Days that go wrong: the page says so in words, and what was stuck leaves when it is over."""

import pytest
import sinks
from ailing import Ward
from databases import loosen
from sqlalchemy import func, select

import workers
from workers import clock, post
from workflows import alarms, operators
from workflows.engine import heartbeats
from workflows.engine.db import db
from workflows.engine.letters import Letter

HOUR = 3600.0
EVERYBODY = ("web", "worker", "clock")


@pytest.fixture
def sink():
    with sinks.serving(sinks.Sink()) as sink:
        yield sink


@pytest.fixture
def ward(app, cast, client, settings):
    loosen(settings)
    ward = Ward(cast)
    ward.marta = operators.make_operator(cast.account("Marta").email)
    client.sign_in(ward.marta)
    cast.deliver()
    pass_by(settings, 120)
    return ward


def pass_by(settings, seconds, running=EVERYBODY, looks=1):
    """Let time go by while these processes run, the clock with a look each time."""
    for _ in range(looks):
        settings.clock_offset += seconds
        for kind in running:
            heartbeats.beat(kind)
        if "clock" in running:
            for look in (clock.look_for_ailments, clock.surveys.look_at_states):
                look()


def page_of(client):
    answer = client.get("/status")
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def waiting():
    open_ = Letter.state.in_(("pending", "sending"))
    return db.session.scalar(select(func.count()).where(open_))


def test_the_mail_server_is_away_for_a_day(ward, client, settings, sink):
    settings.smtp_url = "smtp://127.0.0.1:1"
    letters = ward.letters(4)
    for hour in range(24):
        for _ in range(13 if hour == 2 else 1):
            post.deliver_batch()
            pass_by(settings, 60)
        settings.clock_offset += HOUR
    pass_by(settings, 1)

    client.sign_in(ward.marta)  # the day was longer than a session
    page = page_of(client)
    assert "Letter put off by the mail server" in page
    assert "They are safe here, and leave by themselves as soon as it takes them." in page
    assert "Does not answer" in page
    assert "Alarm raised at" in page
    assert waiting() >= len(letters)

    settings.smtp_url = sink.url
    settings.clock_offset += HOUR
    while post.deliver_batch():
        pass
    pass_by(settings, 1)
    while post.deliver_batch():  # now that it is over, and so the alarm
        pass

    assert waiting() == 0
    assert {db.session.get(Letter, one).state for one in letters} == {"sent"}
    page = page_of(client)
    assert "Everything moves" in page
    assert "Alarm raised at" not in page
    subjects = [mail.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for mail in sink.mails]
    about = ("Letter put off by the mail server", "No letter leaves")
    assert sorted(subject for subject in subjects if subject.endswith(about)) == [
        f"{news}: {title}" for news in ("Over", "Stuck") for title in about
    ]


def test_the_queue_is_emptied_and_nothing_stays_behind(ward, client, settings, app):
    broker = workers.use(app)
    ward.letters(3)
    clock.ring()
    assert broker.queues["post"].qsize()
    broker.flush_all()

    pass_by(settings, clock.UNHEARD.total_seconds() + 1)
    clock.ring()
    pass_by(settings, 1)

    assert waiting() == 0
    assert "Everything moves" in page_of(client)


def test_no_worker_is_heard_and_the_clock_delivers(ward, client, settings, app):
    workers.use(app)
    pass_by(settings, 1)
    ward.letters(3)
    pass_by(settings, 60, running=("web", "clock"))

    page = page_of(client)
    assert "Process silent" in page
    assert "worker on " in page
    assert "Forget it only if it was stopped for good." in page

    clock.ring()
    assert waiting() == 0
    pass_by(settings, 60, running=("web", "clock"), looks=11)
    assert [alarm.name for alarm in alarms.raised()] == ["process-silent"]
    assert "Alarm raised at" in page_of(client)

    pass_by(settings, 1)
    clock.ring()
    pass_by(settings, 1)
    assert alarms.raised() == []
    assert "Everything moves" in page_of(client)


def test_no_clock_is_heard_and_the_page_looks_itself(ward, client, settings):
    pass_by(settings, 1)
    pass_by(settings, 150, running=("web", "worker"))

    page = page_of(client)
    assert "The clock does not look for what is stuck, so this page has looked itself" in page
    assert "Process silent" in page
    assert "clock on " in page

    pass_by(settings, 1)
    assert "so this page has looked itself" not in page_of(client)
    assert "Everything moves" in page_of(client)
