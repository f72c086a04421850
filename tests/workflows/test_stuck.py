"""R14: whatever is stuck is listed, with nothing else, and each clears by its button."""

import pytest
from ailing import SEEDS, Ward, change
from databases import loosen
from people import CARD
from sqlalchemy import delete, select

from web import crowd, demo
from workflows import (
    accounts,
    acknowledgements,
    ailments,
    errands,
    invariants,
    line_checks,
    operators,
    rescues,
    subscriptions,
    surveys,
    waitlist,
)
from workflows.accounts import SignUp
from workflows.engine import heartbeats, history, outbox, readings
from workflows.engine.db import command, db, now
from workflows.engine.heartbeats import Heartbeat
from workflows.engine.letters import Letter
from workflows.engine.refusals import NotAllowed, NotNow
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.seats import Seat
from workflows.stuck import AILMENTS, BY_NAME
from workflows.tokens import Generation

STUCK = [ailment.name for ailment in AILMENTS if ailment.stuck]


def turn(name):
    """What delivers letters is brought about before letters that are stuck, processes at last."""
    process = BY_NAME[name].kind in ("heartbeats", "readings")
    return process, name.startswith("letter-"), name != "letter-doubled"


@pytest.fixture
def ward(app, cast, settings):
    loosen(settings)
    all_run()
    return Ward(cast)


def listed(name):
    return {one.row_id for one in ailments.listed(BY_NAME[name], limit=20_000)}


def everything():
    return {name: found for name in BY_NAME if (found := listed(name))}


def heal(cast):
    """What the workers and the clock would do by themselves."""
    while errands.go_on():
        pass
    cast.deliver()
    rescues.verify_all()


def test_whatever_is_stuck_or_waits_is_listed_there_alone_and_clears(
    ward, marta, settings, full, verdict
):
    """R14: in a database where all is well; at full size of 10,000 people, and ten of each."""
    people, each = (10_000, 10) if full else (20, 2)
    verdict.about("R14", people=people, ways=len(SEEDS), rows_of_each=each)
    demo.fill()
    demo.crowd_in(people)
    ward.cast.deliver()
    settings.clock_offset = 3600.0
    all_run()
    before = everything()
    assert set(before).isdisjoint(STUCK)

    waits = {name: set(SEEDS[name](ward, each)) for name in BY_NAME if name not in STUCK}
    all_run()
    found = everything()
    ill = {name: set(SEEDS[name](ward, each)) for name in sorted(STUCK, key=turn)}
    all_run()

    assert found == {name: ids | before.get(name, set()) for name, ids in waits.items()}
    assert {name: everything().get(name) for name in STUCK} == ill
    ill |= waits
    pressed = {name: press(name, ids, marta) for name, ids in ill.items() if BY_NAME[name].remedies}
    heal(ward.cast)
    for name, end in OUTSIDE.items():
        end(ward, ill[name])
    all_run()
    assert pressed.keys() | OUTSIDE.keys() == set(SEEDS)
    moved = {name: rescues.counts(one.id) for name, one in pressed.items()}
    assert moved == {name: {"moved": each} for name in pressed}
    left = everything()
    lost_once = ill["letter-lapsed"] | ill["letter-poison"]  # somebody may have these twice
    assert {name: left[name] for name in STUCK if name in left} == {"letter-doubled": lost_once}
    assert [name for name, ids in ill.items() if ids & left.get(name, set())] == []
    verdict.holds(by_button=len(pressed), with_their_cause=len(OUTSIDE), left=0)


def press(name, ids, by):
    """The button that ends it for good: who is only mailed again waits again."""
    first = "revoke" if name == "invitation-unanswered" else BY_NAME[name].remedies[0].name
    return rescues.begin(name, first, sorted(ids), None, by=by, why="to see whether it helps")


def heard_again(ward, ids):
    well = {"version": heartbeats.code_version(), "trouble": None, "skew": 0.0}
    change(Heartbeat, ids, at=now(), **well)


def buy_seats(ward, ids):
    place = db.session.get(Invitation, min(ids)).organization
    bought = subscriptions.begin(place, len(ids), "monthly", by=ward.owner)
    subscriptions.pay(bought, CARD, by=ward.owner)


def answer(ward, ids):
    for one in ids:
        waitlist.refuse(db.session.get(Membership, one), by=ward.owner)


def confirm(ward, ids):
    for one in ids:
        accounts.confirm(db.session.get(SignUp, one))


OUTSIDE = {  # what has no button, and how its cause goes
    "queue-unheard": heard_again,
    "version-mixed": heard_again,
    "clock-skewed": heard_again,
    "job-undone": lambda ward, ids: readings.keep("jobs", {}),
    "impossible": lambda ward, ids: readings.keep("invariants", {}),
    "member-seatless": buy_seats,
    "seat-asked": answer,
    "seat-queued": answer,
    "sign-up-unconfirmed": confirm,
}


def all_run():
    """However long it took: each process was heard a moment ago."""
    for kind in ("web", "worker", "clock"):
        heartbeats.beat(kind)


@pytest.mark.parametrize("name", [one.name for one in AILMENTS])
def test_what_is_ill_is_found_by_its_cause_and_in_a_survey(ward, name):
    before = {} if name in STUCK else everything()
    ids = set(SEEDS[name](ward, 3))

    assert listed(name) - before.get(name, set()) == ids
    surveys.look_for_ailments()
    told = readings.last("ailments").facts[name]
    assert sum(cause["number"] for cause in told) == len(listed(name))
    assert all(sum(cause["ages"]) == cause["number"] for cause in told)
    found = [ailments.listed(BY_NAME[name], cause["cause"], limit=100) for cause in told]
    assert {one.row_id for rows in found for one in rows} >= ids


@pytest.mark.parametrize(
    ("name", "remedy"),
    [(one.name, remedy.name) for one in AILMENTS for remedy in one.remedies],
)
def test_each_button_moves_what_it_is_for(ward, cast, marta, name, remedy):
    ids = SEEDS[name](ward, 3)

    rescue = rescues.begin(name, remedy, ids, None, by=marta, why="to see whether it helps")
    heal(cast)

    assert rescues.counts(rescue.id) == {"moved": 3}
    if (name, remedy) != ("invitation-unanswered", "resend"):  # which is their turn anew
        assert listed(name).isdisjoint(ids)


def test_an_operator_who_only_looks_moves_nothing(ward, cast):
    mia = operators.make_operator(cast.account("Mia").email, acting=False)
    ids = SEEDS["letter-dead"](ward, 2)

    with pytest.raises(NotAllowed):
        rescues.begin("letter-dead", "retry", ids, None, by=mia, why="to try")

    assert listed("letter-dead") == set(ids)


def test_a_dry_run_tells_whom_it_would_be_refused_and_moves_nothing(ward):
    ids = SEEDS["member-seatless"](ward, 2)
    [helps] = BY_NAME["member-unseated"].remedies

    said = rescues.foresee(helps, [*ids, 999_999])

    assert said[ids[0]] == "There are no seats yet. Purchase subscriptions first."
    assert said[999_999] == "It is not there any more."
    assert listed("member-seatless") == set(ids)


def test_a_retry_is_verified_until_the_mail_server_took_the_letter(ward, cast, marta):
    ids = SEEDS["letter-dead"](ward, 3)
    cast.deliver()

    rescue = rescues.begin("letter-dead", "retry", ids, "timed out", by=marta, why="it is back")

    assert rescues.counts(rescue.id) == {"verifying": 3}
    assert listed("letter-dead") == set()
    refused, bounced, taken = outbox.claim(3, "test")
    outbox.later(refused, "451 not now")
    outbox.bounced(bounced, "550 no such mailbox")
    outbox.sent(taken, "250 OK")
    rescues.verify(rescue)
    assert rescues.counts(rescue.id) == {"moved": 1, "relapsed": 2}
    assert rescue.over_at


def test_a_retry_of_many_goes_on_by_the_clock_and_two_clocks_do_each_once(ward, cast, marta):
    ids = SEEDS["letter-dead"](ward, 3)
    rescue = rescues.plan("letter-dead", "retry", ids, "timed out", by=marta, why="it is back")

    while rescues.go_on():
        pass
    assert not rescues.go_on()

    steps = [history.history(db.session.get(Letter, one)) for one in ids]
    assert [[step.event for step in one] for one in steps] == [["retry"]] * 3
    assert {one[0].action.by_id for one in steps} == {marta.id}
    assert {(one[0].action.operator, one[0].action.why) for one in steps} == {(True, "it is back")}
    assert rescues.counts(rescue.id) == {"verifying": 3}


def test_what_cannot_be_done_to_one_is_refused_to_that_one_alone(ward, cast, marta):
    first, second = SEEDS["member-seatless"](ward, 2)
    place = db.session.get(Invitation, first).organization
    bought = subscriptions.begin(place, 1, "monthly", by=ward.owner)
    subscriptions.pay(bought, CARD, by=ward.owner)

    both = [first, second]
    rescue = rescues.begin("member-unseated", "assign", both, None, by=marta, why="they asked")

    assert rescues.counts(rescue.id) == {"moved": 1, "refused": 1}
    assert rescues.reasons(rescue.id) == [
        ("The one seat is in use. Buy more, or revoke it first.", 1)
    ]


def test_a_row_that_is_gone_by_then_keeps_no_other_from_its_turn(ward, marta):
    gone, there = SEEDS["seat-tokenless"](ward, 2)
    rescue = rescues.plan(
        "seat-tokenless", "make-token", [gone, there], None, by=marta, why="they have none"
    )
    command(db.session.execute)(delete(Seat).filter_by(id=gone))

    rescues.go_on()

    assert rescues.counts(rescue.id) == {"verifying": 1, "refused": 1}
    assert rescues.reasons(rescue.id) == [("It is not there any more.", 1)]


def test_a_second_click_finds_nothing_more_to_do(ward, marta):
    ids = SEEDS["letter-dead"](ward, 2)
    rescues.plan("letter-dead", "retry", ids, None, by=marta, why="it is back")

    with pytest.raises(NotNow):
        rescues.begin("letter-dead", "retry", ids, None, by=marta, why="it is back")
    rescues.go_on()
    with pytest.raises(NotNow):
        rescues.begin("letter-dead", "retry", ids, None, by=marta, why="it is back")

    assert [len(history.history(db.session.get(Letter, one))) for one in ids] == [1, 1]


def test_letters_set_aside_are_no_failure_on_the_members_page_any_more(ward, marta):
    ids = SEEDS["letter-dead"](ward, 2)
    line_checks.check(line_checks.Checked())

    rescues.begin("letter-dead", "discard", ids, None, by=marta, why="nobody waits for them")

    assert line_checks.check(line_checks.Checked()).mended == 0


def test_who_knows_of_a_cause_says_so_until_the_cause_is_gone(ward, marta, settings):
    SEEDS["letter-dead"](ward, 1)
    surveys.look_for_ailments()

    acknowledgements.acknowledge("letter-dead", "timed out", "The relay moves today.", by=marta)

    key = ("letter-dead", "timed out")
    found = readings.last("ailments").facts
    acknowledgements.drop_settled(found)
    assert acknowledgements.all_of_them()[key].note == "The relay moves today."
    settings.clock_offset = 600.0
    acknowledgements.drop_settled(found)
    assert key in acknowledgements.all_of_them()
    acknowledgements.drop_settled({})
    assert key not in acknowledgements.all_of_them()


def test_invariants_count_nothing_where_nothing_is_wrong(ward, cast):
    for name in ("token-unused", "member-unseated", "ownership-offered", "purchase-unpaid"):
        SEEDS[name](ward, 2)
    ada = cast.account("Ada")
    crowd.gather(cast.organization(ada, "Crowded", seats=9), 18, "crowd.test", by=ada)

    assert set(invariants.count_all().values()) == {0}


def test_invariants_find_what_a_hand_in_the_database_did(ward):
    asked = SEEDS["invitation-unanswered"](ward, 2)
    SEEDS["token-unused"](ward, 2)
    letters = select(Letter.id).where(Letter.template == "token")

    change(Invitation, asked[:1], state="revoked")
    change(Generation, db.session.scalars(select(Generation.id)).all()[:1], number=7)
    change(Letter, db.session.scalars(letters).all()[:1], about_id=999_999)

    ill = {name: number for name, number in invariants.count_all().items() if number}
    assert ill == {
        "invitations whose history says another state": 1,
        "a token without its generation": 1,
        "a letter about nothing": 1,
    }
