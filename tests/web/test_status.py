"""The status page and its doors: what is stuck, why, and what moves it."""

import json
import re
import socket
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from ailing import SEEDS, Ward, change
from click.testing import CliRunner
from databases import loosen
from sqlalchemy import event

from web import cli
from web import status as pages
from workers import callers
from workflows import alarms, invariants, operators, rescues, stuck, surveys, tokens
from workflows.engine import heartbeats, readings
from workflows.engine.db import db, now
from workflows.engine.heartbeats import Heartbeat
from workflows.engine.letters import Letter
from workflows.invitations import Invitation
from workflows.rescues import Rescue
from workflows.tokens import Generation, Token

DEAD = "/status/stuck/letter-dead"


@pytest.fixture
def ward(app, cast, settings):
    loosen(settings)
    for kind in ("web", "worker", "clock"):
        heartbeats.beat(kind)
    return Ward(cast)


@pytest.fixture
def marta(cast, client):
    operator = operators.make_operator(cast.account("Marta").email)
    client.sign_in(operator)
    return operator


def looked():
    surveys.look_for_ailments()
    surveys.look_at_states()
    surveys.check_invariants()


def text_of(client, path="/status"):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


def form(client, path):
    """The fields that a page of ours sends back."""
    page = client.get(path).text
    parts = page.split('type="hidden"')[1:]
    return {p.split('name="')[1].split('"')[0]: p.split('value="')[1].split('"')[0] for p in parts}


def test_where_nothing_is_stuck_the_page_says_so(client, ward, marta, cast):
    cast.deliver()
    looked()

    page = text_of(client)

    assert "Everything moves" in page
    assert "Nothing is stuck" in page
    assert "0 violations" in page
    for kind in ("Invitations", "Letters", "Tokens", "Subscriptions"):
        assert f'aria-label="{kind}:' in page


def test_what_is_away_is_on_top_before_anything_waits_for_it(client, ward, marta, settings, cast):
    cast.deliver()
    looked()
    settings.smtp_url = "smtp://127.0.0.1:1"

    page = text_of(client)

    assert "<h1>The mail server is away</h1>" in page
    assert "Nothing is stuck for it yet." in page
    assert "Everything moves" not in page
    assert "leave by themselves once it does. ./usher doctor says" in page


def test_where_the_clock_is_silent_the_letters_that_are_due_are_counted_at_once(
    client, ward, marta, cast
):
    cast.deliver()
    looked()
    change(Heartbeat, [one.id for one in heartbeats.heard()], at=now() - timedelta(hours=1))
    ward.invited(3)

    page = text_of(client)

    assert "this page has looked itself, and no alarm is raised" in page
    assert "3 letters are due" in page


def test_what_can_never_be_and_is_shows_its_rows_and_what_mends_them(client, ward, marta):
    [token] = SEEDS["token-unused"](ward, 1)
    [asked] = SEEDS["invitation-unanswered"](ward, 1)
    change(Generation, db.session.scalars(db.select(Generation.id)).all(), number=7)
    change(Invitation, [asked], state="revoked")
    looked()

    page = client.get("/status/stuck/impossible").text

    assert f'<a href="/status/tokens/{token}">' in page
    assert f'<a href="/status/invitations/{asked}">' in page
    assert "Ask the member to reissue the token: the next generation is whole." in page
    assert "Set it back to the last one of its history." in page
    member = db.session.get(Token, token).membership
    tokens.reissue(tokens.of(member), 1, 0, by=member.account)
    change(Invitation, [asked], state="sent")
    assert set(invariants.count_all().values()) == {0}


def test_the_picture_of_a_machine_has_its_numbers_and_what_moved(client, ward, marta, cast):
    SEEDS["invitation-unanswered"](ward, 3)
    looked()

    page = text_of(client)

    assert "Invitations: 3 sent, 0 accepted" in page
    assert "Letters: 0 pending" in page


def test_of_many_causes_the_worst_are_shown_and_the_others_at_a_click(client, ward, marta):
    for number in range(15):
        change(Letter, SEEDS["letter-dead"](ward, 1), cause=f"reason {number:02}")

    page = client.get("/status")

    assert page.text.count('class="u-cause"') == 12
    assert 'href="/status?all=1#stuck">Show All 15 Causes<' in page.text
    [last] = SEEDS["letter-dead"](ward, 1)
    rescues.begin("letter-dead", "retry", [last], None, by=marta, why="to try")
    assert client.get("/status").text.count(">Verifying<") == 1
    whole = client.get("/status?all=1")
    assert whole.text.count('class="u-cause"') == 16
    assert 'hx-get="/status?all=1"' in whole.text
    listed = client.get("/status/stuck/letter-dead").text
    assert "<summary>15 causes</summary>" in listed


def test_what_others_come_of_is_on_top_and_crowds_out_nothing(client, ward, marta):
    SEEDS["job-undone"](ward, 12)
    SEEDS["letter-dead"](ward, 9)
    change(Letter, SEEDS["letter-bounced"](ward, 2)[:1], cause="another")
    SEEDS["process-silent"](ward, 2)

    page = client.get("/status").text

    told = re.findall(r"<h3>([^<]+)</h3>\s*<span class=\"u-state\" data-state=\"stuck", page)
    assert told[:2] == ["Process silent", "Letter given up"]
    assert told.count("Letter bouncing") == 2
    assert len(told) == 12


@pytest.mark.parametrize(("kind", "words"), [
    ("clock", "Until the clock runs again letters wait"),
    ("worker", "letters leave by the clock alone"),
    ("web", "the other web processes, if there are any"),
])  # fmt: skip
def test_what_it_means_that_a_process_is_silent_depends_on_which(
    client, ward, marta, settings, kind, words
):
    kinds = {"clock", "worker", "web"}
    looked()
    settings.clock_offset = 60.0
    for one in kinds - {kind}:
        heartbeats.beat(one)
    if kind != "clock":
        looked()

    page = text_of(client)

    assert words in page
    assert page.count("Until ") == 1
    assert words in text_of(client, "/status/stuck/process-silent?" + urlencode({
        "cause": f"{kind} on {socket.gethostname()}"}))  # fmt: skip


def test_a_service_that_has_just_begun_misses_nobody_yet(client, ward, marta):
    heartbeats.forget([one.id for one in heartbeats.heard() if one.kind != "web"])

    assert "Process silent" not in text_of(client)

    change(Heartbeat, [one.id for one in heartbeats.heard()], since=now() - timedelta(minutes=1))
    assert "no worker was ever heard" in text_of(client)


def test_a_known_cause_that_has_grown_is_told_as_one_that_nobody_knows_of(client, ward, marta):
    SEEDS["letter-dead"](ward, 2)
    client.post("/status/stuck/letter-dead/acknowledge", data={"cause": "timed out", "note": "Ok."})
    assert ">Known<" in client.get("/status").text
    SEEDS["letter-dead"](ward, 11)

    page = client.get("/status")

    assert ">Known<" not in page.text
    assert "It has grown since: 2 then, 13 now." in page.text


def test_who_only_looks_is_asked_for_nothing(client, ward, cast):
    ids = SEEDS["letter-dead"](ward, 2)
    client.sign_in(operators.make_operator(cast.account("Mia").email, acting=False))
    at = "/status/stuck/letter-dead"

    for path in (f"{at}/retry?row={ids[0]}", f"{at}/acknowledge?cause=timed+out"):
        page = client.get(path)
        assert "You may look at everything here, and change nothing." in page.text
        assert f'action="{at}' not in page.text
    assert "Nothing was ticked." in client.get(f"{at}/retry").text


def test_what_is_stuck_and_what_waits_are_never_mixed(client, ward, marta):
    SEEDS["member-seatless"](ward, 2)
    SEEDS["letter-dead"](ward, 3)
    looked()

    page = text_of(client)

    stuck_part, waiting = page.split('id="waiting"')
    assert "Letter given up" in stuck_part
    assert "Letter given up" not in waiting
    assert "Accepted, no seat is free" in waiting
    assert "1 cause needs a hand" in page


@pytest.mark.parametrize("until", [
    "", "soon", "2026-11-26T12:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
])  # fmt: skip
def test_a_moment_that_cannot_be_is_asked_for_again(client, ward, marta, until):
    SEEDS["letter-dead"](ward, 1)
    data = {"cause": "timed out", "until": until, "number": "9", "why": "to try"}

    answer = client.post(f"{DEAD}/retry", data=data)

    assert answer.status_code == 422


def test_from_a_cause_to_its_remedy_and_to_the_proof_that_it_helped(client, ward, marta, cast):
    ids = SEEDS["letter-dead"](ward, 3)
    looked()
    assert f"{DEAD}/retry?cause=timed+out" in text_of(client)

    over = text_of(client, f"{DEAD}/retry?cause=timed+out")
    assert "Nothing has been done yet" in over
    assert {db.session.get(Letter, one).state for one in ids} == {"dead"}

    answer = client.post(f"{DEAD}/retry", data=form(client, f"{DEAD}/retry?cause=timed+out")
                         | {"why": "the relay is back"})  # fmt: skip
    assert answer.status_code == 303
    assert "are being verified" in text_of(client, answer.location)
    looked()
    assert "Verifying" in text_of(client)

    cast.deliver()
    rescues.verify_all()
    assert "3</span> <span" in text_of(client, answer.location)
    assert 'data-state="fine">Moved' in text_of(client, answer.location)


def test_a_rescue_of_what_another_version_knew_stops_no_page_and_no_other_rescue(
    client, ward, marta
):
    [known, unknown] = SEEDS["letter-dead"](ward, 2)
    rescues.begin("letter-dead", "retry", [unknown], None, by=marta, why="to try")
    change(Rescue, [1], ailment="letter-of-old")
    looked()
    rescues.begin("letter-dead", "retry", [known], None, by=marta, why="to try")
    ward.cast.deliver()

    rescues.go_on()
    rescues.verify_all()

    assert client.get("/status").status_code == 200
    assert rescues.counts(2) == {"moved": 1}


def test_without_a_reason_nothing_is_done(client, ward, marta):
    ids = SEEDS["letter-dead"](ward, 2)

    data = form(client, f"{DEAD}/retry?cause=timed+out")
    answer = client.post(f"{DEAD}/retry", data=data)

    assert answer.status_code == 422
    assert {db.session.get(Letter, one).state for one in ids} == {"dead"}


def test_those_ticked_are_meant_and_no_others(client, ward, marta):
    first, second = SEEDS["letter-dead"](ward, 2)

    data = form(client, f"{DEAD}/discard?row={first}")
    left = text_of(client, f"{DEAD}/discard?row={first}&row=9999&row={first}")
    client.post(f"{DEAD}/discard", data=data | {"why": "nobody needs it"})

    assert "1 of those you chose is left out: not stuck any more." in left
    assert db.session.get(Letter, first).state == "moot"
    assert db.session.get(Letter, second).state == "dead"


def test_what_came_later_than_the_look_is_not_touched(client, ward, marta):
    ids = SEEDS["letter-dead"](ward, 1)
    data = form(client, f"{DEAD}/retry?cause=timed+out")
    later = SEEDS["letter-dead"](ward, 1)
    change(Letter, later, since=now() + timedelta(seconds=1))

    client.post(f"{DEAD}/retry", data=data | {"why": "the relay is back"})

    assert db.session.get(Letter, ids[0]).state == "pending"
    assert db.session.get(Letter, later[0]).state == "dead"


def test_who_only_looks_sees_all_and_is_told_so_at_the_button(client, ward, cast):
    ids = SEEDS["letter-dead"](ward, 1)
    client.sign_in(operators.make_operator(cast.account("Mia").email, acting=False))

    over = text_of(client, f"{DEAD}/retry?cause=timed+out")
    data = {"row": ids, "number": 1, "until": now().isoformat(), "why": "to try"}

    assert "You may look at everything here, and change nothing." in over
    assert client.post(f"{DEAD}/retry", data=data).status_code == 403
    note = {"cause": "timed out", "note": "I know."}
    assert client.post(f"{DEAD}/acknowledge", data=note).status_code == 403
    assert db.session.get(Letter, ids[0]).state == "dead"


def test_a_known_cause_stays_on_the_page_with_its_note_below_the_unknown(client, ward, marta):
    SEEDS["letter-dead"](ward, 5)
    SEEDS["letter-bounced"](ward, 1)
    looked()

    client.post(f"{DEAD}/acknowledge", data={"cause": "timed out", "note": "The relay moves."})

    page = text_of(client)
    assert ": The relay moves." in page
    assert page.index("Letter bouncing") < page.index("Letter given up")


@pytest.mark.parametrize("path", [
    "/status/stuck/nothing", f"{DEAD}/nothing", "/status/stuck/letter-late/discard",
    "/status/rescues/99", "/status/stuck/nothing/acknowledge",
])  # fmt: skip
def test_there_is_nothing_at_other_addresses(client, ward, marta, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("after", ["1.2", "99999999999999999.1", "x", "-1.5", "0.0"])
def test_any_page_of_a_list_is_a_page(client, ward, marta, after):
    assert client.get(f"{DEAD}?after={after}&cause=%00").status_code == 200


def test_a_long_list_has_pages_that_meet(client, ward, marta):
    ids = SEEDS["letter-dead"](ward, 3)
    change(Letter, ids, since=now())
    size, pages.PAGE = pages.PAGE, 2
    try:
        first = client.get(DEAD).text
        link = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
        second = client.get(link).text
    finally:
        pages.PAGE = size

    shown = [[one for one in ids if f'value="{one}"' in page] for page in (first, second)]
    assert sorted(shown[0] + shown[1]) == sorted(ids)
    assert len(shown[0]) == 2


def test_the_clock_dead_the_page_looks_itself_and_says_so(client, ward, marta, settings):
    looked()
    SEEDS["letter-dead"](ward, 2)
    settings.clock_offset = 300.0
    heartbeats.beat("web")
    heartbeats.beat("worker")
    mine = db.session.scalars(db.select(Heartbeat.id).where(Heartbeat.kind == "clock")).all()
    change(Heartbeat, mine, at=now() - timedelta(minutes=5))

    page = text_of(client)

    assert "The clock does not look for what is stuck" in page
    assert "Process silent" in page
    assert "clock on " in page
    assert "Letter given up" in page


def test_two_versions_at_once_are_told_after_an_hour(client, ward, marta):
    SEEDS["version-mixed"](ward, 1)
    looked()

    assert "Two versions at once" in text_of(client)


def test_two_versions_on_one_host_are_told_too_and_the_older_goes_alone(
    client, ward, marta, settings, monkeypatch
):
    older, newer = heartbeats.code_version(), "0ewc0de0"
    its_own = {older: dict(heartbeats.said), newer: {}}  # what each process remembers

    def beats(version, do=heartbeats.beat):
        monkeypatch.setattr(heartbeats, "said", its_own[version])
        monkeypatch.setattr(heartbeats, "code_version", lambda: version)
        do("web")

    settings.clock_offset = 10.0
    for _ in range(3):
        beats(newer)
        beats(older)
    settings.clock_offset = 3700.0
    beats(newer)
    beats(older)

    assert f"{older} still runs, the newest is {newer}" in text_of(client)
    beats(older, heartbeats.goodbye)
    [left] = [one for one in heartbeats.alive() if one.kind == "web"]
    assert left.version == newer
    assert "Two versions at once" not in text_of(client)


def test_programs_get_the_same_as_json(client, ward, marta):
    SEEDS["letter-dead"](ward, 2)
    SEEDS["member-seatless"](ward, 1)
    looked()

    told = client.get("/status.json").json

    assert [(one["class"], one["number"]) for one in told["stuck"]] == [("letter-dead", 2)]
    assert told["waiting"][0]["turn"]
    assert client.get("/status", headers={"Accept": "application/json"}).json["stuck"]
    assert set(told["invariants"].values()) == {0}


def test_metrics_tell_every_way_to_be_stuck_to_whoever_has_the_token(client, ward, settings):
    SEEDS["letter-dead"](ward, 2)
    looked()
    settings.metrics_token = "a token for metrics"

    right = {"Authorization": "Bearer a token for metrics"}
    told = client.get("/metrics", headers=right).text
    wrong = client.get("/metrics", headers={"Authorization": "Bearer another"})

    assert 'usher_stuck{class="letter-dead"} 2' in told
    for one in stuck.AILMENTS:
        assert f'usher_{one.family}{{class="{one.name}"}}' in told
    assert 'usher_invariant_violations{invariant="a letter about nothing"} 0' in told
    assert wrong.status_code == 401


def test_alarms_are_on_the_page_and_for_programs(client, ward, marta, settings, monkeypatch):
    settings.alarm_webhook, settings.alarm_key = "http://127.0.0.1:1/", "k" * 40
    monkeypatch.setattr(alarms, "PATIENCE", timedelta(0))
    SEEDS["letter-dead"](ward, 2)
    looked()
    assert "Alarm raised at" not in text_of(client)

    alarms.keep_watch(readings.last("ailments").facts)
    callers.call_out()

    page = text_of(client)
    assert "Alarm raised at" in page
    assert "The webhook was called in vain 1 time" in page
    assert "It does not answer (ConnectionRefusedError)." in page
    told = client.get("/metrics").text
    assert 'usher_alarm{class="letter-dead"} 1' in told
    assert 'usher_alarm{class="letters-still"} 0' in told
    [alarm] = client.get("/status.json").json["alarms"]
    assert (alarm["class"], alarm["number"]) == ("letter-dead", 2)
    assert "alarm, raised" in CliRunner().invoke(cli.ops.status, obj=None).output


def test_without_a_token_no_bearer_gets_metrics(client, ward):
    for sent in ("Bearer ", "Bearer", ""):
        answer = client.get("/metrics", headers={"Authorization": sent})
        assert answer.status_code == 401


def usher(*words):
    return CliRunner().invoke(cli.usher, words)


def test_the_command_line_tells_lists_and_moves(ward, marta):
    ids = SEEDS["letter-dead"](ward, 3)
    looked()

    told = usher("status")
    assert told.exit_code == 1
    assert re.search(r"3  letter-dead, oldest .+: timed out", told.output)
    assert json.loads(usher("status", "--json").output)["stuck"][0]["number"] == 3
    assert str(ids[0]) in usher("stuck", "letter-dead").output
    assert all(one.name in usher("stuck").output for one in stuck.AILMENTS)

    dry = usher("retry", "letter-dead", "--cause", "timed out", "--by", marta.email)
    assert "Retry: 3 of 3" in dry.output
    assert "Nothing was done" in dry.output
    done = usher("retry", "letter-dead", str(ids[0]), "--by", marta.email, "--why", "it is back")
    assert "1 verifying" in done.output
    assert db.session.get(Letter, ids[0]).state == "pending"
    assert db.session.get(Letter, ids[1]).state == "dead"


def test_the_command_line_acts_for_operators_only(ward, cast):
    ids = SEEDS["letter-dead"](ward, 1)
    bo = cast.account("Bo")

    said = usher("retry", "letter-dead", str(ids[0]), "--by", bo.email, "--why", "to try")

    assert said.exception
    assert db.session.get(Letter, ids[0]).state == "dead"


def test_the_page_costs_the_same_whatever_there_is(client, ward, marta):
    """It reads what the clock found, and asks no table that grows with the work."""
    for name in ("letter-dead", "member-seatless", "token-unused"):
        SEEDS[name](ward, 2)
    looked()
    asked = []

    def remember(connection, cursor, statement, *_):
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", remember)
    try:
        text_of(client)
    finally:
        event.remove(db.engine, "before_cursor_execute", remember)

    grows = re.compile(r"(?:FROM|JOIN) (invitations|letters|tokens|seats|steps|attempts|lines)\b")
    assert [one for one in asked if grows.search(one)] == []
    assert len(asked) < 20
