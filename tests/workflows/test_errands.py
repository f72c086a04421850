"""What is done to many is what would be done to each, with an outcome for everybody."""

import pytest
import racing
from plans import statements
from sqlalchemy import event

from web import crowd
from workers import clock
from workflows import (
    cases,
    departures,
    directories,
    errands,
    guest_lists,
    invitations,
    listings,
    places,
    roles,
    seats,
    shortages,
    subscriptions,
    tokens,
    waitlist,
)
from workflows.deeds import DEEDS
from workflows.directories import Search
from workflows.engine import limits, register, tallies
from workflows.engine.db import Base, db
from workflows.engine.db import now as db_now
from workflows.engine.history import Action
from workflows.engine.refusals import Invalid, NotAllowed, NotNow
from workflows.errands import Errand


@pytest.fixture
def ann(cast, settings):
    for limit in ("organizations", "invitations", "recipient", "letters"):
        setattr(settings, f"limit_{limit}", "100000/1d")
    return cast.account("Ann")


@pytest.fixture
def acme(cast, ann):
    return cast.organization(ann, seats=4)


def of(*rows):
    """These as an errand knows them."""
    kinds = {"memberships": lambda row: (row.id, None), "invitations": lambda row: (None, row.id)}
    return [kinds[row.__tablename__](row) for row in rows]


def done(organization, deed, rows, by):
    """The errand, begun and finished."""
    errand = errands.prepare(organization, deed, of(*rows), by=by)
    errands.begin(errand, by=by)
    while errands.go_on():
        pass
    return errand


def outcomes(errand):
    return [(case.outcome, case.why) for case in cases.listed(errand.id, "", 0, 1000)]


SINGLY = {
    "assign": seats.assign,
    "line-up": waitlist.line_up,
    "revoke-seat": seats.revoke,
    "remove": departures.remove,
    "resend": invitations.resend,
    "revoke": invitations.revoke,
}


@pytest.fixture
def twins(cast, ann):
    """Two organizations that are alike but for their names, with people in every state."""
    return [fill(cast, cast.organization(ann, name, seats=5), ann) for name in ("One", "Two")]


def fill(cast, organization, ann):
    name = organization.name
    people = [cast.member(organization, f"{who}{name}", ann) for who in ("Bob", "Cy", "Dee", "Eva")]
    bob, cy, dee, _ = people
    for one in (bob, cy, dee):
        seats.assign(one, by=ann)
    cast.secret(bob)
    cast.secret(cy)
    tokens.reissue(tokens.of(cy), 1, 24, by=cy.account)
    cast.deliver()
    roles.make_billing_admin(dee, by=ann)
    asked = [cast.invitation(organization, f"{who}@{name}.test", ann) for who in ("x", "y", "z")]
    invitations.decline(asked[2], asked[2].email, by=None)
    cast.deliver()
    return organization, [organization.owner, *people], asked


VOLATILE = {
    "id", "since", "revision", "at", "action_id", "posted_at", "due_at", "expires_at", "ends_at",
    "minted_at", "sent_at", "digest", "nonce", "organization_id", "name", "slug", "email",
    "email_key", "name_key", "last_used_at", "password_hash", "domain",
}  # fmt: skip
COMPARED = ("memberships", "invitations", "seats", "tokens", "generations", "verdicts", "letters",
            "steps", "tallies", "lines", "places")  # fmt: skip


def picture(organization, people, asked):
    """Every row of an organization in words that are the same for its twin."""
    known = {("memberships", one.id): f"member {n}" for n, one in enumerate(people)}
    known |= {("invitations", one.id): f"asked {n}" for n, one in enumerate(asked)}
    found = {}
    for name in COMPARED:
        table = Base.metadata.tables[name]
        found[name] = sorted(
            str(sorted((key, worded(name, key, value, row, known)) for key, value in row.items()
                       if key not in VOLATILE))
            for row in db.session.execute(db.select(table)).mappings()
            if belongs(name, row, organization)
        )  # fmt: skip
    found["tallies"] = {key: n for key, n in tallies.of(organization.id).items() if n}
    return found


def belongs(name, row, organization):
    if "organization_id" in row:
        return row["organization_id"] == organization.id
    if name == "generations":
        token = db.session.get(tokens.Token, row["token_id"])
        return token.organization_id == organization.id
    action = db.session.get(Action, row["action_id"])
    return action.organization_id == organization.id and row["kind"] != "errands"


def worded(table, key, value, row, known):
    """The value, or whom it names: a token is its holder's, a generation its token's."""
    where = {"membership_id": "memberships", "invitation_id": "invitations"}.get(key)
    if key in ("row_id", "about_id"):
        where = row["kind"] if key == "row_id" else about(row["template"])
    if value is None or (where is None and not key.endswith("_id")):
        return str(value)
    return known.get((where, value), holder(where or key, value, known))


def about(template):
    return register.of(template).about.__tablename__


def holder(where, row_id, known):
    if where in ("tokens", "token_id"):
        return known[("memberships", db.session.get(tokens.Token, row_id).membership_id)]
    return "another"


@pytest.mark.parametrize("deed", SINGLY)
def test_many_at_once_end_in_the_same_rows_as_one_by_one(cast, twins, ann, deed):
    (one, people, asked), (_, others, likewise) = twins
    assert picture(*twins[0]) == picture(*twins[1])
    invited = deed in ("resend", "revoke")
    before = picture(*twins[0])

    errand = done(one, deed, asked if invited else people, ann)
    said = [refusal_of(SINGLY[deed], row, ann) for row in (likewise if invited else others)]

    assert picture(*twins[0]) == picture(*twins[1]) != before
    told = [
        why.replace("One", "Two") if outcome == "refused" else None
        for outcome, why in outcomes(errand)
    ]
    assert told == said
    assert any(said)
    assert not all(said)
    assert racing.nothing_is_wrong()
    assert len(cast.deliver()) % 2 == 0


def test_a_line_of_many_is_the_line_of_one_by_one(cast, twins, ann):
    for place, people, _ in twins:
        people += [cast.member(place, f"{who}{place.name}", ann) for who in ("Fay", "Gil", "Hal")]
        subscriptions.resize(subscriptions.live(place), 4, by=ann)
        waitlist.ask(people[4], by=people[4].account)
        waitlist.ask(people[6], by=people[6].account)
    (one, people, _), (_, others, _) = twins
    order = [4, 7, 0, 6, 5, 1]

    errand = done(one, "line-up", [people[at] for at in order], ann)
    said = [refusal_of(waitlist.line_up, others[at], ann) for at in order]

    assert said == [None] * 5 + ["BobTwo already has a seat."]
    assert outcomes(errand) == [
        ("done", waitlist.A_SEAT), *[("done", waitlist.IN_LINE)] * 4,
        ("refused", "BobOne already has a seat."),
    ]  # fmt: skip
    assert cases.remarks(errand.id) == [(waitlist.IN_LINE, 4), (waitlist.A_SEAT, 1)]
    assert [place.membership for place in places.first(one.id, 9)] == [
        people[at] for at in order[1:5]
    ]
    assert picture(*twins[0]) == picture(*twins[1])
    assert racing.nothing_is_wrong()


def refusal_of(command, row, by):
    """What a single command says against it; None when it is done."""
    try:
        command(row, by=by)
    except (NotNow, NotAllowed) as refusal:
        return str(refusal)
    return None


def test_all_that_moves_is_one_action_with_many_steps(cast, acme, ann, monkeypatch):
    monkeypatch.setattr(errands, "TOGETHER", 2)
    people = [cast.member(acme, f"Person{number}", ann) for number in range(4)]

    errand = done(acme, "assign", people, ann)

    actions = db.session.scalars(db.select(Action).filter_by(event="seat_blocks.assign")).all()
    assert [action.id for action in actions] == [errand.action_id]
    assert errand.state == "done"
    moved = [step.event for step in actions[0].steps if step.kind == "seats"]
    assert moved == ["assign"] * 4


def test_five_hundred_people_and_four_hundred_and_eighty_seats(cast, acme, ann):
    subscriptions.resize(subscriptions.live(acme), 480, by=ann)
    crowd.gather(acme, 2300, "crowd.test", by=ann)
    revoked = directories.ids(acme, Search(place="seat"))
    for start in range(0, len(revoked), 100):
        done_to = revoked[start : start + 100]
        errands.begin(errands.prepare(acme, "revoke-seat", done_to, by=ann), by=ann)
    whom = directories.ids(acme, Search(place="no seat", role="member", order="name"))[:500]
    assert seats.count(acme) == seats.Count(bought=480, used=0)

    errand = errands.prepare(acme, "assign", whom, by=ann)

    full = "All 480 seats are in use. Buy more, or revoke one first."
    assert cases.reasons(errand.id) == [(full, 20)]
    assert seats.count(acme).used == 0

    errands.begin(errand, by=ann)

    assert errand.state == "done"
    assert cases.counts(errand.id) == {"done": 480, "refused": 20}
    assert [case.outcome for case in cases.listed(errand.id, "", 0, 500)[-20:]] == ["refused"] * 20
    assert seats.count(acme) == seats.Count(bought=480, used=480)
    assert racing.nothing_is_wrong()


def test_those_for_whom_no_seat_was_left_are_put_in_line_and_nobody_else(cast, acme, ann):
    people = [cast.member(acme, f"Person{number}", ann) for number in range(6)]
    seats.assign(people[0], by=ann)
    errand = done(acme, "assign", people, ann)

    rest = shortages.line_up_rest(errand, by=ann)
    errands.begin(rest, by=ann)

    assert cases.counts(errand.id) == {"done": 3, "refused": 3}
    assert [case.membership for case in cases.listed(rest.id, "", 0, 9)] == people[4:]
    assert outcomes(rest) == [("done", waitlist.IN_LINE)] * 2
    assert [place.membership for place in places.first(acme.id, 9)] == people[4:]
    with pytest.raises(Invalid, match="Choose at least one person"):
        shortages.line_up_rest(rest, by=ann)


def test_whoever_moved_meanwhile_is_refused_alone(cast, acme, ann):
    bob, cy, dee = (cast.member(acme, name, ann) for name in ("Bob", "Cy", "Dee"))
    errand = errands.prepare(acme, "assign", of(bob, cy, dee), by=ann)
    seats.assign(bob, by=ann)
    departures.leave(cy, by=cy.account)

    errands.begin(errand, by=ann)

    assert outcomes(errand) == [
        ("refused", "Bob already has a seat."),
        ("refused", "Cy is not a member any more."),
        ("done", ""),
    ]
    assert racing.nothing_is_wrong()


def test_those_it_is_not_meant_for_hear_why(cast, acme, ann):
    bob, asked = cast.member(acme, "Bob", ann), cast.invitation(acme, "x@acme.test", ann)

    assert outcomes(done(acme, "assign", [asked], ann)) == [
        ("refused", "This invitation is not answered yet.")
    ]
    assert outcomes(done(acme, "resend", [bob], ann)) == [("refused", "Bob is a member already.")]


def test_what_one_limit_refuses_another_does_not_count(cast, acme, ann, settings):
    settings.limit_resend, settings.limit_recipient = "5/1d", "1/1d"
    x, y = (cast.invitation(acme, f"{name}@acme.test", ann) for name in "xy")
    invitations.resend(x, by=ann)

    [refused, sent] = outcomes(done(acme, "resend", [x, y], ann))

    assert (refused[0], sent[0]) == ("refused", "done")
    assert refused[1].startswith("You have asked this address often enough lately.")
    assert [limits.take("resend", x.id) for _ in range(5)].count(None) == 4


@pytest.mark.parametrize("deed", DEEDS)
def test_many_people_take_no_more_statements_than_a_few(cast, ann, deed):
    def taken(name, people):
        place = cast.organization(ann, name, seats=people)
        crowd.gather(place, people, f"{name.lower()}.test", by=ann)
        kind = DEEDS[deed].kind
        ids = db.session.scalars(db.select(kind.id).filter_by(organization_id=place.id)).all()
        return statements(DEEDS[deed].do, place, ids, by=ann)

    few, many = taken("Few", 27), taken("Many", 135)

    assert many <= few + 5  # what happens to nobody among the few is read and written in sets too


def test_limits_count_in_sets_too(cast, acme, ann, settings):
    settings.limit_resend = "1/1d"
    x, y = (cast.invitation(acme, f"{name}@acme.test", ann) for name in "xy")
    invitations.resend(x, by=ann)

    errand = errands.prepare(acme, "resend", of(x, y), by=ann)
    [(sentence, number)] = cases.reasons(errand.id)
    errands.begin(errand, by=ann)

    assert sentence.startswith("This invitation was sent again a moment ago.")
    assert number == 1
    assert [outcome for outcome, _ in outcomes(errand)] == ["refused", "done"]
    assert (x.round, y.round) == (2, 2)


def test_an_admin_who_is_none_any_more_gives_no_more_seats(cast, acme, ann, monkeypatch):
    monkeypatch.setattr(errands, "TOGETHER", 2)
    people = [cast.member(acme, f"Person{number}", ann) for number in range(4)]
    cy = cast.member(acme, "Cy", ann)
    roles.make_admin(cy, by=ann)
    errand = errands.prepare(acme, "assign", of(*people), by=cy.account)
    errands.begin(errand, by=cy.account)
    assert errands.go_on()

    roles.make_member(cy, by=ann)
    clock.run_errands()

    assert errand.state == "stopped"
    assert errand.why == (
        "Cy began this and may not go on: only an admin of the organization may do this."
    )
    assert [outcome for outcome, _ in outcomes(errand)] == ["done", "done", "waiting", "waiting"]
    assert seats.count(acme).used == 2
    assert not errands.go_on()


def test_what_an_admin_stops_stays_stopped_and_can_be_taken_up_again(cast, acme, ann, monkeypatch):
    monkeypatch.setattr(errands, "TOGETHER", 1)
    people = [cast.member(acme, f"Person{number}", ann) for number in range(3)]
    errand = errands.prepare(acme, "assign", of(*people), by=ann)
    errands.begin(errand, by=ann)
    errands.go_on()

    errands.stop(errand, by=ann)

    assert not errands.go_on()
    assert errand.why == "Ann stopped it."
    rest = errands.again(errand, by=ann)
    assert [case.membership_id for case in cases.listed(rest.id, "", 0, 9)] == [
        person.id for person in people[1:]
    ]


def test_an_errand_belongs_to_whoever_begins_it(cast, acme, ann):
    bob, cy = (cast.member(acme, name, ann) for name in ("Bob", "Cy"))
    errand = errands.prepare(acme, "assign", of(bob), by=ann)
    with pytest.raises(NotAllowed):
        errands.begin(errand, by=cy.account)
    roles.make_admin(cy, by=ann)

    errands.begin(errand, by=cy.account)

    assert errand.by == cy.account
    assert errand.action.by == cy.account
    with pytest.raises(NotNow, match="This is done"):
        errands.begin(errand, by=ann)


def test_nobody_can_name_people_of_another_organization(cast, acme, ann):
    foreign = cast.member(cast.organization(ann, "Other"), "Zed", ann)

    with pytest.raises(Invalid, match="not among your people"):
        errands.prepare(acme, "remove", of(foreign), by=ann)


def test_the_same_click_prepares_one_errand(cast, acme, ann):
    bob = cast.member(acme, "Bob", ann)

    first, second = (errands.prepare(acme, "assign", of(bob), by=ann) for _ in range(2))

    assert first.id == second.id
    assert db.session.query(Errand).count() == 1


@pytest.fixture
def spoiled(settings):
    """Let the database refuse each INSERT with a word in it, until somebody mends that."""
    words = ["poison"]

    def refuse(connection, cursor, statement, parameters, context, many):
        if statement.startswith("INSERT INTO invitations") and words[0] in str(parameters):
            raise RuntimeError("spoiled")

    event.listen(db.engine, "before_cursor_execute", refuse)
    yield words
    event.remove(db.engine, "before_cursor_execute", refuse)


def clock_of(settings):
    """Let errands be tried as the clock does, again and again, for an hour."""
    failed = 0
    for _ in range(200):
        try:
            errands.go_on()
        except RuntimeError:
            failed += 1
        settings.clock_offset += 18
    return failed


def test_what_fails_again_and_again_is_given_up_and_the_others_go_on(
    cast, acme, ann, monkeypatch, settings, spoiled
):
    monkeypatch.setattr(errands, "TOGETHER", 2)
    monkeypatch.setattr(errands, "ROWS", 2)
    listed = ["a@x.test", "poison@x.test", "c@x.test", "d@x.test", "e@x.test"]
    errand = listings.prepare(acme, " ".join(listed), by=ann)
    errands.begin(errand, by=ann)

    assert clock_of(settings) == len(errands.WAITS)

    assert errand.state == "done"
    assert outcomes(errand) == [("refused", cases.GAVE_UP)] * 2 + [("done", "")] * 3
    assert {one.email for one in invitations.of_organization(acme)} == set(listed[2:])
    assert (errand.tries, errand.due_at) == (0, None)

    spoiled[0] = "nothing"
    rest = listings.again(errand, by=ann)
    errands.begin(rest, by=ann)

    assert outcomes(rest) == [("done", "")] * 2
    assert len(invitations.of_organization(acme)) == 5
    assert racing.nothing_is_wrong()


def test_a_try_that_failed_waits_longer_each_time(cast, acme, ann, monkeypatch, settings, spoiled):
    monkeypatch.setattr(errands, "TOGETHER", 1)
    monkeypatch.setattr(errands, "ROWS", 1)
    errand = listings.prepare(acme, "poison@x.test b@x.test", by=ann)
    errands.begin(errand, by=ann)
    for wait in (0, 10, 20, 40, 80):
        before = db_now()
        with pytest.raises(RuntimeError):
            errands.go_on()
        db.session.refresh(errand)
        assert 0 <= (errand.due_at - before).total_seconds() - wait < 5
        if wait:
            assert not errands.go_on()
        settings.clock_offset += wait + 5

    spoiled[0] = "nothing"
    assert errands.go_on()
    assert outcomes(errand) == [("refused", cases.GAVE_UP), ("done", "")]


def test_a_list_is_done_once_and_each_row_keeps_its_answer(cast, acme, ann, settings):
    cast.member(acme, "Bob", ann)
    listed = "bob@acme.test new@x.test new@x.test nope"

    errand = listings.invite(acme, listed, by=ann)

    actions = db.session.scalars(db.select(Action).filter_by(event="guest_lists.invite")).all()
    assert errand.action in actions
    assert errand.state == "done"
    assert outcomes(errand) == [
        ("refused", "Already a member."),
        ("done", ""),
        ("refused", "Listed twice. Once is enough."),
        ("refused", "Not an address. It has no @ sign."),
    ]
    assert [one.written for one in listings.not_invited(errand)] == ["nope"]
    assert listings.invite(acme, listed, by=ann) == errand  # the same click
    settings.clock_offset += 11
    again = listings.invite(acme, listed, by=ann)
    assert outcomes(again)[1] == (
        "refused", "Already invited. Not answered yet. Resend renews the time.",
    )  # fmt: skip


def test_a_list_at_once_ends_in_the_same_rows_as_one_by_one(cast, twins, ann, settings):
    (one, people, asked), (other, others, likewise) = twins
    listed = "n1@x.test n2@x.test nope n1@x.test n3+a@y.test n3+b@y.test"

    listings.invite(one, listed, by=ann)
    for address in listed.split():
        guest_lists.invite(other, address, by=ann)

    def of_both(place, known, invited):
        mine = sorted(invitations.of_organization(place), key=lambda row: row.id)
        return picture(place, known, mine)

    assert of_both(one, people, asked) == of_both(other, others, likewise)
    assert racing.nothing_is_wrong()


def test_plans_that_nobody_begins_are_forgotten(cast, acme, ann, settings):
    errand = errands.prepare(acme, "assign", of(cast.member(acme, "Bob", ann)), by=ann)

    settings.clock_offset += 25 * 3600
    errands.drop_old_plans()

    assert errand.state == "dropped"
    assert outcomes(errand) == []
