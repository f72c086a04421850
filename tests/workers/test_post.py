"""From the outbox to the mailbox, and the clock that rings."""

import email
import email.policy
import re
import threading
import time

import pytest
from dramatiq import Worker
from dramatiq.brokers.redis import RedisBroker
from people import PASSWORD
from redis import Redis

import workers
from workers import billing, clock, mailers, post, queue_pulse
from workers.packing import Answer
from workflows import accounts, bounces, invitations, resets, seats, tokens
from workflows.engine import heartbeats, outbox
from workflows.engine.db import db
from workflows.engine.letters import Attempt, Letter


@pytest.fixture
def acme(people):
    """An organization, and its admin, whose own letters have left."""
    ann = people.account("Ann")
    made = people.organization(ann, seats=3)
    people.deliver()
    return made, ann


@pytest.fixture
def mailbox(usher, tmp_path):
    def read():
        files = sorted((tmp_path / "mail").glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
        policy = email.policy.default
        return [email.message_from_bytes(file.read_bytes(), policy=policy) for file in files]

    return read


class Way:
    """A way out that answers as told and looks around while a letter is on the wire."""

    def __init__(self, answer="sent", seconds=0.0, look=lambda: None):
        self.answer, self.seconds, self.look = answer, seconds, look
        self.mails = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def send(self, mail):
        self.look()
        time.sleep(self.seconds)
        self.mails.append(mail)
        return Answer(self.answer, "250 OK")


@pytest.fixture
def by_way(monkeypatch):
    def take(**wishes):
        way = Way(**wishes)
        monkeypatch.setattr(mailers, "way_out", lambda: way)
        return way

    return take


def letters(state=None):
    found = db.select(Letter).order_by(Letter.id)
    return db.session.scalars(found.filter_by(state=state) if state else found).all()


def invite(people, acme, *names):
    organization, ann = acme
    return [people.invitation(organization, f"{name}@acme.test", ann) for name in names]


def test_an_invitation_reaches_the_mailbox(people, acme, mailbox):
    [invitation] = invite(people, acme, "bo")

    post.deliver()

    [letter] = mailbox()
    assert letter["To"] == "bo@acme.test"
    assert invitations.link(invitation) in letter.get_body(("plain",)).get_content()
    assert letters()[-1].state == "sent"
    assert letters()[-1].reply == "Put into the mailbox."


def test_every_letter_of_a_long_list_leaves_once(people, acme, mailbox):
    invite(people, acme, *(f"p{n}" for n in range(2 * post.BATCH + 5)))

    post.deliver()
    post.deliver()

    assert sorted(letter["To"] for letter in mailbox()) == sorted(
        f"p{n}@acme.test" for n in range(2 * post.BATCH + 5)
    )


@pytest.mark.sqlite
def test_no_transaction_is_open_while_a_letter_is_on_the_wire(people, acme, by_way):
    looks = []

    def write_meanwhile():
        looks.append(db.session().in_transaction())
        with db.engine.connect() as another:  # a second writer does not have to wait
            another.exec_driver_sql("PRAGMA busy_timeout=0")
            another.exec_driver_sql("COMMIT")
            another.exec_driver_sql("BEGIN IMMEDIATE")
            another.exec_driver_sql("ROLLBACK")
            another.exec_driver_sql("BEGIN")

    by_way(look=write_meanwhile)
    invite(people, acme, "bo", "cy")

    post.deliver()

    assert looks == [False, False]
    assert len(letters("sent")) >= 2


def test_a_token_is_at_the_gate_before_its_letter_leaves_and_a_repeat_is_the_same(
    people, acme, by_way
):
    organization, ann = acme
    member = people.seated(organization, "Bo", ann)
    people.deliver()
    tokens.activate(tokens.of(member), by=member.account)
    way = by_way(answer="later")

    post.deliver()
    db.session.execute(db.update(Letter).values(due_at=Letter.posted_at))
    db.session.commit()
    post.deliver()

    first, second = way.mails
    assert first.content == second.content
    assert tokens.of(member).current.digest is not None


def test_a_letter_nobody_wants_any_more_stays(people, acme, mailbox):
    [invitation] = invite(people, acme, "bo")
    invitations.revoke(invitation, by=acme[1])

    post.deliver()

    assert mailbox() == []
    assert {letter.state for letter in letters() if letter.template.startswith("invitation")} == {
        "moot"
    }


def test_a_letter_of_another_version_waits_for_it_and_holds_up_no_other(people, acme, mailbox):
    invite(people, acme, "bo", "cy")
    [strange, _] = letters("pending")
    db.session.execute(db.update(Letter).filter_by(id=strange.id).values(template="of_tomorrow"))
    db.session.commit()

    post.deliver()

    assert [letter["To"] for letter in mailbox()] == ["cy@acme.test"]
    assert (strange.state, strange.attempts) == ("pending", 1)
    assert strange.reply == "Usher cannot write this letter: UnknownLetter."


def test_a_letter_of_another_version_that_ends_its_workers_is_given_up(people, acme, mailbox):
    invite(people, acme, "bo", "cy")
    [strange, _] = letters("pending")
    long_ago = strange.posted_at - outbox.LEASE
    lost = {"state": "sending", "lost": outbox.POISON - 1, "lease_until": long_ago}
    changed = db.update(Letter).filter_by(id=strange.id)
    db.session.execute(changed.values(template="of_tomorrow", **lost))
    db.session.commit()

    post.deliver_batch()
    post.deliver()

    assert strange.state == "dead"
    assert [letter["To"] for letter in mailbox()] == ["cy@acme.test"]


def test_a_server_that_says_later_is_asked_again_later(people, acme, by_way):
    by_way(answer="later")
    invite(people, acme, "bo")

    post.deliver()

    [letter] = letters("pending")
    assert letter.due_at > letter.posted_at
    assert letter.attempts == 1


def test_a_bounce_is_told_to_the_inviter(people, acme, by_way, mailbox, monkeypatch):
    invite(people, acme, "bo")
    with monkeypatch.context() as patch:
        patch.setattr(mailers, "way_out", lambda: Way(answer="bounced"))
        post.deliver_batch()

    post.deliver()

    [letter] = mailbox()
    assert letter["To"] == "ann@acme.test"
    assert letter["Subject"] == "The invitation of bo@acme.test bounced"


def test_a_bounce_is_known_of_the_account_until_a_letter_arrives(people, acme, by_way):
    _, ann = acme
    way = by_way(answer="bounced")
    resets.ask_reset(ann.email)
    post.deliver()
    assert list(bounces.of([ann.id])) == [ann.id]

    way.answer = "later"
    resets.ask_reset(ann.email)
    post.deliver()
    assert list(bounces.of([ann.id])) == [ann.id]
    way.answer = "sent"
    accounts.sign_up("Ann", ann.email, PASSWORD)
    post.deliver()

    assert bounces.of([ann.id]) == {}


def test_a_slow_server_makes_the_rest_go_back_uncounted(people, acme, by_way, monkeypatch):
    monkeypatch.setattr(post, "HALF_A_LEASE", 0.25)
    way = by_way(seconds=0.1)
    invite(people, acme, *(f"p{n}" for n in range(6)))

    post.deliver_batch()

    assert 0 < len(way.mails) < 6
    assert {letter.attempts for letter in letters("pending")} == {0}
    assert len(letters("pending")) + len(way.mails) == 6


def test_a_worker_that_stops_gives_back_what_it_has_not_begun(people, acme, by_way):
    way = by_way(look=lambda: setattr(workers.inside, "stopping", True))
    invite(people, acme, "bo", "cy", "di")

    post.deliver()
    workers.inside.stopping = False

    assert len(way.mails) == 1
    assert len(letters("pending")) == 2


def test_a_letter_that_cannot_be_written_keeps_no_other_back(people, acme, mailbox, monkeypatch):
    invite(people, acme, "bo", "cy")
    packed = post.packing.pack
    monkeypatch.setattr(
        post.packing, "pack", lambda e: 1 / 0 if e.to.startswith("bo") else packed(e)
    )

    post.deliver()

    assert [letter["To"] for letter in mailbox()] == ["cy@acme.test"]
    [waiting] = letters("pending")
    assert waiting.reply == "Usher cannot write this letter: ZeroDivisionError."


def test_a_way_out_that_breaks_leaves_the_letter_to_the_next_lease(people, acme, by_way, caplog):
    def fall():
        raise RuntimeError("a bug")

    by_way(look=fall)
    invite(people, acme, "bo")

    post.deliver()

    assert [letter.state for letter in letters("sending")] == ["sending"]
    assert "not settled: RuntimeError" in caplog.text


def test_a_letter_whose_worker_died_before_it_was_marked_does_not_leave_twice(
    people, acme, by_way, settings, monkeypatch
):
    def die(*_):
        raise SystemError

    way = by_way()
    invite(people, acme, "bo")
    with monkeypatch.context() as dying:
        dying.setattr(outbox, "sent", die)
        post.deliver()

    settings.clock_offset += outbox.LEASE.total_seconds() + 1
    post.deliver()

    [letter] = letters()[-1:]
    tries = db.session.scalars(db.select(Attempt).filter_by(letter_id=letter.id)).all()
    assert len(way.mails) == 1
    assert [one.outcome for one in tries] == ["sent", "found"]
    assert (letter.state, letter.reply, letter.sent_at) == ("sent", "250 OK", tries[0].ended_at)


def test_a_bell_carries_nothing(usher):
    message = post.deliver.send()

    assert (message.args, message.kwargs) == ((), {})


def test_a_rung_worker_delivers(people, acme, mailbox, usher):
    invite(people, acme, "bo")
    worker = Worker(workers.broker, worker_timeout=50, worker_threads=2)
    worker.start()

    clock.ring()
    workers.broker.join("post", timeout=60_000)
    worker.stop()

    assert [letter["To"] for letter in mailbox()] == ["bo@acme.test"]


def test_the_clock_delivers_what_nobody_has_come_for(people, acme, mailbox):
    invite(people, acme, "bo")

    clock.ring()
    assert mailbox() == []
    long_ago = letters("pending")[0].due_at - clock.UNHEARD * 2
    db.session.execute(db.update(Letter).where(Letter.state == "pending").values(due_at=long_ago))
    db.session.commit()
    clock.ring()

    assert [letter["To"] for letter in mailbox()] == ["bo@acme.test"]


def test_the_clock_takes_up_what_a_dead_worker_held(people, acme, mailbox):
    invite(people, acme, "bo")
    outbox.claim(10, "a worker that dies")
    claimed = db.update(Letter).where(Letter.state == "sending")
    db.session.execute(claimed.values(lease_until=letters()[0].posted_at - clock.UNHEARD))
    db.session.commit()

    clock.ring()

    assert [letter["To"] for letter in mailbox()] == ["bo@acme.test"]


def test_the_clock_delivers_when_the_queue_is_away(people, acme, mailbox, monkeypatch):
    nobody = RedisBroker(client=Redis(port=1, socket_connect_timeout=0.2))
    monkeypatch.setattr(post.deliver, "broker", nobody)
    invite(people, acme, "bo")

    clock.ring()

    assert [letter["To"] for letter in mailbox()] == ["bo@acme.test"]


def test_one_job_failing_keeps_no_other_from_its_turn(usher, caplog):
    done = []

    def fail():
        raise RuntimeError("no database")

    clock.tick(usher, [clock.Job(1, fail), clock.Job(1, lambda: done.append(1))])

    assert done == [1]
    assert re.search(r"fail failed: RuntimeError", caplog.text)


def test_every_job_of_the_clock_runs(usher, caplog):
    clock.tick(usher, [*clock.jobs(), clock.Job(1, billing.charge_due)])

    assert caplog.records == []


def test_a_slow_mail_server_holds_up_nothing_else_the_clock_does(
    people, acme, usher, settings, by_way, monkeypatch
):
    nobody = RedisBroker(client=Redis(port=1, socket_connect_timeout=0.2))
    monkeypatch.setattr(post.deliver, "broker", nobody)
    [invitation] = invite(people, acme, "bo")
    settings.clock_offset = 15 * 24 * 3600
    on_the_wire, answer, stop = threading.Event(), threading.Event(), threading.Event()
    by_way(look=lambda: (on_the_wire.set(), answer.wait(60)))
    ticking = threading.Thread(target=clock.run, args=(usher, stop))
    invitations.resend(invitation, by=acme[1])

    ticking.start()
    assert on_the_wire.wait(60)
    settings.clock_offset *= 3
    became_expired = wait_until(lambda: state_of(invitation) == "expired")
    answer.set()
    stop.set()
    ticking.join(60)

    assert became_expired


def state_of(row):
    db.session.rollback()
    return row.state


def wait_until(so, seconds=30):
    ending = time.monotonic() + seconds
    while not so() and time.monotonic() < ending:
        time.sleep(0.05)
    return so()


def test_the_clock_stops_when_told(usher):
    stop = threading.Event()
    thread = threading.Thread(target=clock.run, args=(usher, stop))
    thread.start()

    stop.set()
    thread.join(60)

    assert not thread.is_alive()


def test_a_seat_and_its_token_are_mailed_with_what_the_person_needs(people, acme, mailbox):
    organization, ann = acme
    member = people.member(organization, "Bo", ann)
    seats.assign(member, by=ann)
    post.deliver()
    tokens.activate(tokens.of(member), by=member.account)

    post.deliver()

    seat, token = mailbox()[-2:]
    assert "https://usher.example/acme/token" in seat.get_body(("plain",)).get_content()
    text = token.get_body(("plain",)).get_content().replace("\r\n", "\n")
    secret = re.search(r"^    (usht\w{44})$", text, re.M)[1]
    assert f"conda token set {secret}" in text
    assert outbox.due() == 0


def test_a_queue_that_is_away_is_told_before_a_letter_needs_it(people, monkeypatch):
    monkeypatch.setattr(clock, "trouble", [])  # what other tests left
    monkeypatch.setattr(workers, "broker", workers._broker("redis://127.0.0.1:1"))

    queue_pulse.ask()
    clock.beat()

    [beat] = [one for one in heartbeats.heard() if one.kind == "clock"]
    assert beat.trouble == "it is away (ConnectionError)"
    monkeypatch.setattr(workers, "broker", workers._broker(""))
    queue_pulse.ask()
    clock.beat()
    assert [one.trouble for one in heartbeats.heard()] == [None]
