"""The organization's history in sentences: everything for admins, one's own for everybody else."""

import ast
import csv
import re
from pathlib import Path

import pytest

from web import activity, crowd, exports
from web.sentences import SENTENCES
from workflows import (
    chronicles,
    departures,
    guest_lists,
    handovers,
    invitations,
    memberships,
    organizations,
    roles,
    seats,
    subscriptions,
    tokens,
)
from workflows.accounts import Account
from workflows.engine.db import db, now

ROOT = Path(__file__).parents[2]
MOVES = {"begin", "fire", "note", "record"}  # what writes a step or an action


@pytest.fixture
def acme(cast, ines):
    return cast.organization(ines, seats=2)


def lines(client, path="/acme/activity"):
    """The sentences of the page, newest first, each with what stands below it."""
    page = client.get(path).text
    items = re.findall(r'<div class="u-grow u-wrap">(.*?)</li>', page, re.S)
    return [
        " ".join(re.sub(r"<[^>]+>", " ", item.rpartition("<time")[0]).split()) for item in items
    ]


def functions(path):
    """Each function of a workflow: its name, whether it is a command, and what it calls."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            called = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
            marks = {ast.unparse(mark) for mark in node.decorator_list}
            yield f"{path.stem}.{node.name}", "command" in marks, [_name(c, path) for c in called]


def _name(called, path):
    """`invitations.begin` for a function of a workflow, `.fire` for a method of a row."""
    if isinstance(called, ast.Name):
        return f"{path.stem}.{called.id}"
    owner = ast.unparse(called.value) if isinstance(called, ast.Attribute) else ""
    method = called.attr if isinstance(called, ast.Attribute) else ""
    known = (ROOT / f"workflows/{owner}.py").exists()
    return f"{owner}.{method}" if known else f".{method}"


def commands_that_write_history():
    found = {}
    for path in [*(ROOT / "workflows").glob("*.py"), ROOT / "web/crowd.py"]:
        found |= {name: (mark, calls) for name, mark, calls in functions(path)}
    writes = {name for name, (_, calls) in found.items() if {f".{m}" for m in MOVES} & set(calls)}
    while more := {name for name, (_, calls) in found.items() if writes & set(calls)} - writes:
        writes |= more
    return {name for name in writes if found[name][0]}


def test_every_command_that_writes_history_has_a_sentence():
    # What people do with their accounts belongs to no organization, and no page of one shows it.
    personal = ("accounts.", "address_changes.", "profiles.")
    writing = {name for name in commands_that_write_history() if not name.startswith(personal)}
    # These are written down under another command's name.
    writing = writing - {"errands._go_on", "listings.invite"} | {"errands.go_on"}

    assert {"organizations.rename", "departures.remove", "invitations.expire"} <= writing
    assert writing - SENTENCES.keys() == set(), "give it a sentence in web/sentences.py"
    assert SENTENCES.keys() - writing == set(), "no command has this name any more"


def test_a_life_of_an_organization_reads_as_it_was(client, cast, acme, ines):
    bo = cast.seated(acme, "Bo", by=ines)
    tokens.activate(tokens.of(bo), by=bo.account)
    tokens.reissue(tokens.of(bo), 1, 24, by=bo.account)
    tokens.end_old(tokens.of(bo), by=bo.account)
    roles.make_billing_admin(bo, by=ines)
    roles.make_member(bo, by=ines)
    subscriptions.resize(subscriptions.live(acme), 3, by=ines)
    organizations.rename(acme, "Acme Robotics", by=ines)
    guest_lists.invite(acme, "a@acme.test b@acme.test c@acme.test", by=ines)
    invitations.revoke(invitations.of_organization(acme)[0], by=ines)
    invitations.resend(invitations.of_organization(acme)[1], by=ines)
    invitations.decline(invitations.of_organization(acme)[2], "a@acme.test", by=None)
    departures.remove(bo, by=ines)

    told = lines(client)

    assert told == [
        "Ines removed Bo The seat was freed, and the token has ended.",
        "a@acme.test declined the invitation",
        "Ines sent the invitation of b@acme.test again",
        "Ines revoked the invitation of c@acme.test",
        "Ines invited 3 people a@acme.test and 2 more.",
        "Ines renamed the organization “Acme” became “Acme Robotics”.",
        "Ines changed the number of seats 2 seats became 3.",
        "Ines made Bo a member Was billing admin.",
        "Ines made Bo a billing admin Was member.",
        "Bo ended the old token",
        "Bo reissued the token",
        "Bo activated the token",
        "Ines assigned a seat to Bo",
        "Bo signed up and accepted the invitation",
        "Ines invited bo@acme.test",
        "Ines bought seats 2 seats, one month.",
        "Ines chose seats to buy 2 seats, one month.",
        "Ines formed the organization",
    ]


def test_what_runs_out_of_time_is_told_as_nobodys_deed(client, cast, acme, ines, settings):
    cast.invitation(acme, "bo@acme.test", ines)
    settings.clock_offset = 15 * 24 * 3600
    invitations.expire_unanswered()
    client.sign_in(ines)

    page = client.get("/acme/activity").text

    assert lines(client)[0] == "The invitation of bo@acme.test expired"
    assert ">Today<" in page
    assert page.count('class="u-day') == 2


def test_a_hand_over_of_ownership_names_whom_it_is_offered_to(client, cast, acme, ines):
    bo = cast.member(acme, "Bo", ines)
    roles.make_admin(bo, by=ines)
    handovers.cancel(handovers.offer(bo, by=ines), by=ines)

    assert lines(client)[:2] == [
        "Ines took back the offer of ownership to Bo",
        "Ines offered ownership to Bo",
    ]


def test_a_member_sees_only_what_concerns_them_and_no_other_address(client, cast, acme, ines):
    guest_lists.invite(acme, "bo@acme.test secret@acme.test", by=ines)
    bo = cast.account("Bo")
    invitation = next(
        one for one in invitations.of_organization(acme) if one.email == "bo@acme.test"
    )
    client.sign_in(bo)
    client.post(f"/invitations/{invitation.id}/accept")
    cast.seated(acme, "Cy", by=ines)
    mine = memberships.of(bo, acme)
    seats.assign(mine, by=ines)
    tokens.activate(tokens.of(mine), by=bo)
    organizations.rename(acme, "Acme Robotics", by=ines)

    assert lines(client) == [
        "Bo activated the token",
        "Ines assigned a seat to Bo",
        "Bo accepted the invitation",
        "Ines invited bo@acme.test",
    ]
    page = client.get("/acme/activity").text
    assert "secret@acme.test" not in page
    assert "Cy" not in page


def test_whoever_had_the_seat_before_is_not_told_who_has_it_now(client, cast, acme, ines):
    bo = cast.seated(acme, "Bo", by=ines)
    seats.revoke(bo, by=ines)
    seats.assign(cast.member(acme, "Cy", by=ines), by=ines)
    client.sign_in(bo.account)

    assert lines(client)[0] == "Ines revoked the seat of Bo"
    assert "Cy" not in client.get("/acme/activity").text


def test_a_billing_admin_sees_their_own_deeds_and_no_addresses(client, cast, acme, ines):
    bo = cast.member(acme, "Bo", by=ines)
    roles.make_billing_admin(bo, by=ines)
    cast.invitation(acme, "secret@acme.test", ines)
    subscriptions.resize(subscriptions.live(acme), 5, by=bo.account)
    client.sign_in(bo.account)

    assert lines(client)[0] == "Bo changed the number of seats 2 seats became 5."
    assert "secret@acme.test" not in client.get("/acme/activity").text


def test_a_former_membership_is_part_of_ones_own_history(client, cast, acme, ines):
    bo = cast.member(acme, "Bo", by=ines)
    departures.leave(bo, by=bo.account)
    cast.invitation(acme, "bo@acme.test", ines)
    client.sign_in(bo.account)
    client.post(f"/invitations/{invitations.of_organization(acme)[0].id}/accept")

    assert "Bo left the organization" in lines(client)


def test_older_pages_follow_each_other_without_a_gap(client, cast, acme, ines, monkeypatch):
    monkeypatch.setattr(activity, "ON_A_PAGE", 4)
    for number in range(6):
        organizations.rename(acme, f"Acme {number}", by=ines)

    read, path = [], "/acme/activity"
    while path:
        page = client.get(path).text
        read += lines(client, path)
        links = re.findall(r'href="(/acme/activity\?before=\d+)" rel="next">Older', page)
        path = links[0] if links else None

    assert len(read) == 9
    assert read[0].endswith("became “Acme 5”.")
    assert read[-1] == "Ines formed the organization"


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "", "٣", "9" * 30, "1 or 1=1"])
def test_a_page_that_is_no_number_is_not_there(client, acme, before):
    answer = client.get("/acme/activity", query_string={"before": before})

    assert answer.status_code == 404


def test_before_the_beginning_there_is_nothing(client, acme):
    assert "Nothing further back" in client.get("/acme/activity?before=1").text
    assert client.get(f"/acme/activity?before={10**17}").status_code == 200


def test_strangers_see_no_activity(client, cast, acme):
    client.sign_in(cast.account("Mallory"))

    assert client.get("/acme/activity").status_code == 404


def test_activity_is_filtered_by_subject_person_and_day(client, cast, acme, ines):
    bo = cast.member(acme, "Bo", ines)
    seats.assign(bo, by=ines)

    roles.make_admin(bo, by=ines)

    assert lines(client, "/acme/activity?about=seats") == ["Ines assigned a seat to Bo"]
    assert lines(client, "/acme/activity?about=members")[0] == "Ines made Bo an admin Was member."
    by_bo = lines(client, "/acme/activity?who=BO")
    assert by_bo == ["Bo signed up and accepted the invitation"]
    today = f"{now():%Y-%m-%d}"
    assert len(lines(client, f"/acme/activity?since={today}&until={today}")) > 3
    assert lines(client, "/acme/activity?until=2020-01-01") == []
    assert "Nothing like that happened" in client.get("/acme/activity?until=2020-01-01").text
    for odd in ("about=x", "since=x", "until=9999-12-31", "since=0001-01-01", "who=%00%25_"):
        assert client.get(f"/acme/activity?{odd}").status_code == 200


def test_what_admins_and_members_do_is_found_under_a_subject():
    of_operators = {  # about letters and processes, or about several subjects
        "acknowledgements", "alarms", "deliveries", "inquiries", "leftovers", "remedies", "reruns",
        "restores",
    }  # fmt: skip
    told = {event.partition(".")[0] for event in SENTENCES} - of_operators - {"crowd"}

    assert told == {name for names in chronicles.SUBJECTS.values() for name in names}


def test_what_moved_thousands_is_told_in_one_line(client, cast, acme, ines):
    cast.invitation(acme, "zed@acme.test", ines)
    addresses = " ".join(f"guest{n}@acme.test" for n in range(20))
    guest_lists.invite(acme, addresses, by=ines)

    crowd.gather(acme, 900, "crowd.test", by=ines)
    told = lines(client)

    assert "and 199 more" in told.pop(0)
    assert told[0] == "Ines invited 20 people guest0@acme.test and 19 more."
    assert told[1] == "Ines invited zed@acme.test"


def exported(client, **asked):
    """The rows of the file, without its heading."""
    answer = client.post("/acme/activity.csv", data=asked)
    assert answer.mimetype == "text/csv"
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeffWhen,By,What,Why")
    return list(csv.reader(text[1:].splitlines()))[1:]


def test_the_file_has_what_the_page_was_asked_for_on_all_its_pages(
    client, cast, acme, ines, monkeypatch
):
    monkeypatch.setattr(exports, "TOGETHER", 4)
    for number in range(9):
        organizations.rename(acme, f"Acme {number}", by=ines)

    rows = exported(client, about="organization", who="ine")

    assert [row[3] for row in rows[:2]] == [
        "“Acme 7” became “Acme 8”.", "“Acme 6” became “Acme 7”.",
    ]  # fmt: skip
    assert [row[1:3] for row in rows[-1:]] == [["Ines", "Ines formed the organization"]]
    assert len(rows) == 10
    assert rows[0][0] > rows[-1][0]


def test_a_member_takes_out_what_concerns_them_and_it_is_written_down_once(
    client, cast, acme, ines
):
    cast.invitation(acme, "secret@acme.test", ines)
    bo = cast.seated(acme, "Bo", by=ines)
    client.sign_in(bo.account)

    exported(client)
    told = exported(client)

    assert [row[2] for row in told] == [
        "Bo exported the activity",
        "Ines assigned a seat to Bo",
        "Bo signed up and accepted the invitation",
        "Ines invited bo@acme.test",
    ]
    client.sign_in(ines)
    assert lines(client)[0] == "Bo exported the activity"


def test_a_formula_in_a_name_is_text_in_the_file(client, cast, acme, ines):
    bo = cast.member(acme, "Bo", by=ines)
    db.session.execute(db.update(Account).where(Account.id == bo.account_id).values(name="=1+1"))
    db.session.commit()

    names = {row[1] for row in exported(client)}

    assert "'=1+1" in names
    assert "=1+1" not in names


def test_the_button_sends_what_the_page_was_asked(client, acme):
    page = client.get("/acme/activity?about=organization&who=In").text

    assert 'action="/acme/activity.csv"' in page
    assert '<input type="hidden" name="about" value="organization">' in page
    assert '<input type="hidden" name="who" value="In">' in page
