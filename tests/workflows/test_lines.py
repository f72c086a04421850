"""Everybody's line is where the tables say, and is found without reading all others."""

from datetime import timedelta

import pytest
from plans import plan
from sqlalchemy import delete, event

from web import crowd
from workers import clock
from workflows import (
    address_changes,
    arrivals,
    corrections,
    departures,
    directories,
    gate,
    invitations,
    line_checks,
    lines,
    memberships,
    restitutions,
    roles,
    seats,
    tokens,
)
from workflows.directories import PAGE, Search
from workflows.engine import history, outbox, tallies
from workflows.engine.db import command, db, now
from workflows.engine.tallies import Tally
from workflows.gate import Use
from workflows.lines import Line


def everybody(organization, **search):
    """Everybody who is looked for, page after page."""
    people, after = [], ""
    while after is not None:
        page = directories.look_up(organization, Search(**search), after)
        people, after = people + page.people, page.after
    return people


def names(people):
    return [one.membership.account.name if one.membership else one.invitation.email
            for one in people]  # fmt: skip


def where(organization, name):
    """The place, the state and the turn that a person's line has in the index."""
    [person] = [one for one in everybody(organization) if names([one]) == [name]]
    [line] = [line for line in db.session.scalars(db.select(Line)) if
              line.subject == subject(person)]  # fmt: skip
    assert (line.state, line.since) == (person.state, person.since)
    return line.state, person.turn.whose


def subject(person):
    """Whom a line is about: the membership, or the invitation."""
    member, asked = person.membership, person.invitation
    return (member.id, None) if member else (None, asked.id)


def nothing_to_mend():
    checked, mended = line_checks.check(line_checks.Checked()), 0
    while checked.members_to or checked.invitations_to:
        mended += checked.mended
        checked = line_checks.check(checked)
    return mended + checked.mended == 0


def test_a_line_follows_its_person_through_the_whole_journey(cast, acme, ann, settings):
    asked = cast.invitation(acme, "bob@acme.test", ann)
    assert where(acme, "bob@acme.test") == ("sent", "Usher's turn")
    cast.deliver()
    assert where(acme, "bob@acme.test") == ("sent", "Their turn")
    account = arrivals.sign_up_by_link(asked, "Bob", "a password to test with")
    bob = memberships.of(account, acme)
    assert where(acme, "Bob") == ("accepted", "Your turn")
    seats.assign(bob, by=ann)
    assert where(acme, "Bob") == ("seated", "Usher's turn")
    cast.deliver()
    assert where(acme, "Bob") == ("seated", "Their turn")
    cast.secret(bob)
    assert where(acme, "Bob") == ("active", "Their turn")
    current = tokens.of(bob).current
    gate.record_uses([Use(current.id, now(), "conda", downloaded=True)])
    assert where(acme, "Bob") == ("active", "All set")
    departures.remove(bob, by=ann)
    assert names(everybody(acme)) == ["Ann"]
    assert nothing_to_mend()


def test_a_letter_that_bounces_makes_it_the_admins_turn(cast, acme, ann):
    cast.deliver()
    cast.invitation(acme, "bob@acme.test", ann)

    [claim] = outbox.claim(10, "test")
    outbox.bounced(claim, "550 no such mailbox")

    assert where(acme, "bob@acme.test") == ("sent", "Your turn")
    assert names(everybody(acme, failed=True)) == ["bob@acme.test"]


def test_whoever_comes_back_stands_there_once(cast, acme, ann):
    first = cast.invitation(acme, "bob@acme.test", ann)
    invitations.revoke(first, by=ann)
    assert names(everybody(acme, turn="Ended")) == ["bob@acme.test"]

    cast.member(acme, "Bob", ann)

    assert sorted(names(everybody(acme))) == ["Ann", "Bob"]
    assert nothing_to_mend()


def test_an_ended_invitation_is_of_interest_while_nobody_has_its_address(cast, acme, ann):
    """However they come by it: by joining, by a change of address, by a correction."""
    invitations.revoke(cast.invitation(acme, "bob@acme.test", ann), by=ann)
    eve = cast.member(acme, "Eve", ann)
    address_changes.ask(eve.account, "bob@acme.test")
    change = address_changes.asked_by(eve.account)
    cast.deliver()

    address_changes.confirm(change, by=eve.account)
    assert names(everybody(acme, turn="Ended")) == []
    assert nothing_to_mend()

    restitutions.undo(change, "eve@acme.test")
    assert names(everybody(acme, turn="Ended")) == ["bob@acme.test"]

    asked = cast.invitation(acme, "cy@acme.test", ann)
    corrections.correct(asked, "bob@acme.test", by=ann)
    assert names(everybody(acme, turn="Ended")) == []
    assert nothing_to_mend()


def test_whoever_goes_leaves_the_earlier_invitation_to_be_seen(cast, acme, ann):
    eve = cast.member(acme, "Eve", ann)
    earlier = cast.invitation(acme, "new@acme.test", ann)
    invitations.revoke(earlier, by=ann)
    address_changes.ask(eve.account, "new@acme.test")
    address_changes.confirm(address_changes.asked_by(eve.account), by=eve.account)

    departures.leave(eve, by=eve.account)

    assert names(everybody(acme, turn="Ended")) == ["new@acme.test"]
    assert nothing_to_mend()


def test_numbers_are_those_of_the_lines(cast, acme, ann):
    crowd.gather(acme, 60, "crowd.test", by=ann)
    cast.member(acme, "Bob", ann)

    numbers = directories.by_turn(acme, Search())

    people = everybody(acme)
    assert numbers == {turn: sum(one.turn.whose == turn for one in people) for turn in numbers}
    assert directories.waiting(acme) == numbers["Your turn"] > 0
    assert directories.expected(acme) == len(people)
    assert directories.number_of_members(acme) == sum(bool(one.membership) for one in people)
    assert sum(number for _, number, _ in directories.by_stage(acme)) == len(people)


@pytest.mark.parametrize("order", directories.ORDERS)
@pytest.mark.parametrize("search", [{}, {"turn": "Their turn"}, {"place": "no seat"},
                                    {"words": "ada"}, {"role": "member"}], ids=str)  # fmt: skip
def test_pages_hold_everybody_once_and_in_order(acme, ann, order, search):
    crowd.gather(acme, 3 * PAGE, "crowd.test", by=ann)

    people = everybody(acme, **search, order=order)

    unpaged = lines_of(acme, Search(**search, order=order))
    assert [subject(person) for person in people] == unpaged
    assert len(unpaged) > 0
    found = directories.by_turn(acme, Search(**search))
    if order != "role" and "turn" not in search:
        assert sum(found.values()) == len(people)


def lines_of(organization, search):
    found = set(directories.ids(organization, search))
    order = [column.asc() for column in directories.ORDERS[search.order]]
    rows = db.session.scalars(db.select(Line).order_by(*order)).all()
    members_only = search.order == "role"
    return [line.subject for line in rows
            if line.subject in found and (line.membership_id or not members_only)]  # fmt: skip


@pytest.mark.parametrize("after", ["x", "", "W10", "WyJhIl0", "bnVsbA", "WzEsICJ4IiwgMV0", "é",
                                   "Wzk5OTk5OTk5OTk5OTk5LCAiMjAyNi0wMS0wMSIsIDFd"])  # fmt: skip
def test_a_place_that_no_page_ended_at_is_the_first_page(cast, acme, after):
    assert names(directories.look_up(acme, Search(), after).people) == ["Ann"]


def test_search_finds_parts_of_names_and_addresses_in_any_case(cast, acme, ann):
    for name, address in (("Zoë Straße", "zoe@acme.test"), ("Per%cent", "percent@acme.test")):
        asked = cast.invitation(acme, address, ann)
        arrivals.sign_up_by_link(asked, name, "a password to test with")

    assert names(everybody(acme, words="ZOË")) == ["Zoë Straße"]
    assert names(everybody(acme, words="strasse")) == ["Zoë Straße"]
    assert names(everybody(acme, words="%")) == ["Per%cent"]
    assert names(everybody(acme, words="zoë acme.test")) == ["Zoë Straße"]
    assert everybody(acme, words="_") == []


def test_the_clock_draws_lines_that_are_missing_and_mends_wrong_ones(cast, acme, ann, monkeypatch):
    monkeypatch.setattr(
        clock, "checked", line_checks.Checked()
    )  # whatever this process looked at before
    cast.member(acme, "Bob", ann)
    before = names(everybody(acme))

    @command
    def spoil():
        db.session.execute(delete(Line).where(Line.name_key == "ann"))
        db.session.execute(db.update(Line).values(turn=4))
        db.session.execute(delete(Tally))

    spoil()
    assert names(everybody(acme)) != before
    clock.check_lines()

    assert names(everybody(acme)) == before
    assert sum(directories.by_turn(acme, Search()).values()) == 2
    assert nothing_to_mend()


def test_invitations_that_ended_long_ago_leave_the_page_and_not_the_table(
    cast, acme, ann, settings
):
    invitations.revoke(cast.invitation(acme, "bob@acme.test", ann), by=ann)

    settings.clock_offset += timedelta(days=91).total_seconds()
    lines.forget_ended()

    assert names(everybody(acme)) == ["Ann"]
    assert directories.by_turn(acme, Search())["Ended"] == 0
    assert len(invitations.of_organization(acme)) == 1
    assert nothing_to_mend()


def test_folding_changes_no_number(cast, acme, ann):
    crowd.gather(acme, 20, "crowd.test", by=ann)
    for person in everybody(acme, turn="Your turn"):
        if person.membership:
            roles.make_admin(person.membership, by=ann)
    for member in range(20):
        cast.member(acme, f"Member{member}", ann)
    before = directories.by_turn(acme, Search())

    tallies.fold()

    assert directories.by_turn(acme, Search()) == before
    assert db.session.query(Tally).count() < tallies.FOLD_FROM


def test_a_change_of_name_is_found_by_the_new_one(cast, acme, ann):
    @command
    def rename():
        ann.name = "Anna Bolena"
        history.moved("accounts", ann.id)

    rename()

    assert names(everybody(acme, words="bolena")) == ["Anna Bolena"]


@pytest.mark.parametrize(("search", "index"), [
    ({}, "lines_by_turn"), ({"order": "name"}, "lines_by_name"),
    ({"order": "role"}, "lines_by_rank"), ({"turn": "Your turn"}, "lines_by_turn"),
], ids=str)  # fmt: skip
def test_a_page_is_found_by_an_index_of_its_own(acme, ann, search, index):
    crowd.gather(acme, 2000, "crowd.test", by=ann)
    said = []

    def explain(connection, cursor, statement, parameters, context, many):
        if "FROM lines" in statement and "LIMIT" in statement:
            said.append(plan(connection, statement, parameters))

    db.session.execute(db.text("ANALYZE"))
    db.session.commit()
    page = directories.look_up(acme, Search(**search))
    event.listen(db.engine, "before_cursor_execute", explain)
    directories.look_up(acme, Search(**search), page.after)
    event.remove(db.engine, "before_cursor_execute", explain)

    assert said
    assert index in said[0]
    assert not any(word in said[0] for word in ("Seq Scan", "SCAN lines", "Sort", "TEMP B-TREE"))
