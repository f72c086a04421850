"""Another address: proved by its letter and by the person, and undone from the old one."""

from datetime import timedelta

import pytest
from people import PASSWORD

from workflows import (
    accounts,
    address_changes,
    arrivals,
    gate,
    log_ins,
    memberships,
    profiles,
    resets,
    restitutions,
    seats,
    sessions,
    tokens,
)
from workflows.engine import history, outbox
from workflows.engine.refusals import Invalid, NotAllowed, NotNow, TooOften

NEW = "ann@else.test"


@pytest.fixture
def asked(ann):
    """Ann wants to be known by another address."""
    address_changes.ask(ann, NEW)
    return address_changes.asked_by(ann)


@pytest.fixture
def moved(cast, ann, asked):
    cast.deliver()
    address_changes.confirm(asked, by=ann)
    return asked


def later(settings, **time):
    settings.clock_offset += timedelta(**time).total_seconds()


def mailed(cast):
    return [(letter.template, letter.to) for letter in cast.deliver()]


def test_both_addresses_hear_of_the_wish_and_nothing_has_changed(cast, ann, asked):
    assert mailed(cast) == [
        ("confirm_address", NEW),
        ("address_change_asked", "ann@acme.test"),
    ]
    assert ann.email == "ann@acme.test"
    assert accounts.check("ann@acme.test", PASSWORD) == ann


def test_once_confirmed_the_new_address_logs_in_and_the_old_one_hears(cast, ann, asked):
    here, _ = (sessions.session_of(sessions.open_session(ann)) for _ in range(2))
    cast.deliver()

    address_changes.confirm(asked, by=ann, here=here)

    assert accounts.check(NEW, PASSWORD) == ann
    with pytest.raises(Invalid):
        accounts.check("ann@acme.test", PASSWORD)
    assert mailed(cast) == [("address_changed", "ann@acme.test")]
    assert sessions.of_account(ann) == [here]


def test_links_for_a_password_from_before_are_void(cast, ann, asked):
    resets.ask_reset("ann@acme.test")
    cast.deliver()
    round_before = ann.reset_round

    address_changes.confirm(asked, by=ann)

    with pytest.raises(NotNow, match="used already"):
        resets.reset_password(ann, round_before, "quite another password")


def test_nobody_confirms_for_somebody_else(cast, asked):
    with pytest.raises(NotAllowed):
        address_changes.confirm(asked, by=cast.account("Mallory"))


def test_elsewhere_the_password_is_needed_and_guesses_are_counted(cast, ann, asked):
    place = {"client": "192.0.2.1", "browser": "another"}

    for guess in range(10):
        with pytest.raises(Invalid):
            address_changes.confirm_elsewhere(asked, f"a wrong one {guess}", **place)
    with pytest.raises(TooOften):
        address_changes.confirm_elsewhere(asked, PASSWORD, **place)
    assert ann.email == "ann@acme.test"

    place = {"client": "198.51.100.1", "browser": "familiar"}
    log_ins.make_familiar(ann, browser="familiar")

    assert address_changes.confirm_elsewhere(asked, PASSWORD, **place) == ann
    assert ann.email == NEW


def test_the_address_of_an_account_stays_its_own(cast, ann):
    bob = cast.account("Bob")
    address_changes.ask(ann, "BOB@acme.test")
    change = address_changes.asked_by(ann)

    assert mailed(cast) == [
        ("address_taken", "bob@acme.test"),
        ("address_change_asked", "ann@acme.test"),
    ]
    with pytest.raises(NotNow, match="another account"):
        address_changes.confirm(change, by=ann)
    assert (ann.email, bob.email) == ("ann@acme.test", "bob@acme.test")


def test_whoever_proves_the_address_first_has_it(cast, ann, asked):
    waiting = accounts.sign_up("Mallory", NEW, "the password of mallory")

    address_changes.confirm(asked, by=ann)

    assert waiting.state == "dropped"
    assert waiting.password_hash is None

    cy = cast.account("Cy")
    address_changes.ask(cy, "dee@acme.test")
    cast.account("Dee")
    with pytest.raises(NotNow, match="another account"):
        address_changes.confirm(address_changes.asked_by(cy), by=cy)


def test_ones_own_address_is_no_change_and_neither_is_no_address(ann):
    with pytest.raises(Invalid, match="your address already"):
        address_changes.ask(ann, "Ann@acme.test")
    with pytest.raises(Invalid):
        address_changes.ask(ann, "ann@")
    assert address_changes.asked_by(ann) is None


def test_a_later_wish_replaces_the_earlier_and_its_link(cast, ann, asked):
    address_changes.ask(ann, "ann@third.test")

    with pytest.raises(NotNow, match="canceled"):
        address_changes.confirm(asked, by=ann)
    assert address_changes.asked_by(ann).email == "ann@third.test"
    assert mailed(cast) == [
        ("confirm_address", "ann@third.test"),
        ("address_change_asked", "ann@acme.test"),
    ]


def test_a_canceled_wish_is_over_its_letters_are_moot_and_no_address_is_kept(cast, ann, asked):
    address_changes.cancel(by=ann)
    address_changes.cancel(by=ann)  # a second click

    assert asked.state == "canceled"
    assert {asked.email, asked.email_key, asked.old_email, asked.old_key} == {""}
    assert mailed(cast) == []
    with pytest.raises(NotNow, match="canceled"):
        address_changes.may_confirm(asked)


def test_a_new_password_ends_what_was_asked_for_before(ann, asked):
    here = sessions.session_of(sessions.open_session(ann))

    profiles.change_password(here, PASSWORD, "quite another password", client="192.0.2.1")

    with pytest.raises(NotNow, match="new password"):
        address_changes.confirm(asked, by=ann)


def test_a_link_works_for_a_day(ann, asked, settings):
    later(settings, hours=25)

    with pytest.raises(NotNow, match="older than a day"):
        address_changes.confirm(asked, by=ann)

    address_changes.end_stale()
    assert (asked.state, asked.email) == ("expired", "")


def test_the_old_address_undoes_it_and_whoever_was_in_is_out(cast, ann, moved):
    sessions.open_session(ann)
    cast.deliver()

    restitutions.undo(moved, "ann@acme.test")

    assert (ann.email, moved.state) == ("ann@acme.test", "undone")
    assert sessions.of_account(ann) == []
    with pytest.raises(Invalid):
        accounts.check("ann@acme.test", PASSWORD)
    assert mailed(cast) == [("password_reset", "ann@acme.test")]
    resets.reset_password(ann, ann.reset_round, "quite another password")
    assert accounts.check("ann@acme.test", "quite another password") == ann


@pytest.fixture
def seat(cast, ann):
    """Ann's membership elsewhere, with a seat and a token to activate."""
    owner = cast.account("Owner")
    acme = cast.organization(owner, seats=2)
    arrivals.accept(cast.invitation(acme, "ann@acme.test", owner), by=ann)
    member = memberships.of(ann, acme)
    seats.assign(member, by=owner)
    return member


def passes(secret):
    return gate.judge(secret).passes


def test_a_token_that_was_mailed_to_the_other_address_ends_and_the_old_one_gets_another(
    cast, ann, seat
):
    first = cast.secret(seat)
    change = confirmed(cast, ann)
    tokens.reissue(tokens.of(seat), 1, 24, by=ann)
    [stolen] = [one for one in cast.deliver() if one.template == "token_reissued"]
    assert stolen.to == NEW
    assert passes(first)
    assert passes(stolen.facts["token"])

    ended = restitutions.undo(change, "ann@acme.test")

    assert ended == [tokens.of(seat)]
    assert not passes(first)
    assert not passes(stolen.facts["token"])
    [letter] = [one for one in cast.deliver() if one.template == "token_reissued"]
    assert letter.to == "ann@acme.test"
    assert passes(letter.facts["token"])
    assert tokens.of(seat).generation == 3


def test_a_token_that_was_activated_at_the_other_address_ends_too(cast, ann, seat, settings):
    settings.limit_reissue = "1/1d"
    change = confirmed(cast, ann)
    stolen = cast.secret(seat)
    tokens.reissue(tokens.of(seat), 1, 24, by=ann)  # its letter waits

    restitutions.undo(change, "ann@acme.test")

    assert not passes(stolen)
    [letter] = [one for one in cast.deliver() if one.template == "token_reissued"]
    assert (letter.to, passes(letter.facts["token"])) == ("ann@acme.test", True)


def test_a_token_that_was_never_mailed_elsewhere_works_on(cast, ann, seat):
    secret = cast.secret(seat)
    change = confirmed(cast, ann)

    assert restitutions.undo(change, "ann@acme.test") == []

    assert passes(secret)
    assert tokens.of(seat).generation == 1


def confirmed(cast, ann):
    address_changes.ask(ann, NEW)
    change = address_changes.asked_by(ann)
    address_changes.confirm(change, by=ann)
    cast.deliver()
    return change


@pytest.mark.parametrize("typed", ["", "ann@", NEW, "mallory@acme.test"])
def test_a_machine_that_opens_the_link_undoes_nothing(ann, moved, typed):
    with pytest.raises(Invalid, match="not the address"):
        restitutions.undo(moved, typed)

    assert (ann.email, moved.state) == (NEW, "confirmed")


def test_the_first_change_undoes_all_that_came_after_it(cast, ann, moved):
    address_changes.ask(ann, "ann@third.test")
    second = address_changes.asked_by(ann)
    cast.deliver()
    address_changes.confirm(second, by=ann)
    address_changes.ask(ann, "ann@fourth.test")
    third = address_changes.asked_by(ann)

    restitutions.undo(moved, "ann@acme.test")

    assert ann.email == "ann@acme.test"
    assert (second.state, third.state) == ("settled", "canceled")
    with pytest.raises(NotNow):
        restitutions.undo(second, NEW)


def test_after_three_days_it_stays(ann, moved, settings):
    later(settings, hours=71)
    address_changes.end_stale()
    address_changes.may_undo(moved)
    later(settings, hours=2)

    with pytest.raises(NotNow, match="72 hours"):
        restitutions.undo(moved, "ann@acme.test")

    address_changes.end_stale()
    assert (moved.state, moved.old_email) == ("settled", "")


def test_it_cannot_be_undone_into_the_address_of_another_account(cast, ann, moved):
    newcomer = cast.account("Ann")

    with pytest.raises(NotNow, match="another account"):
        restitutions.undo(moved, "ann@acme.test")

    assert (ann.email, newcomer.email) == (NEW, "ann@acme.test")


def test_an_invitation_to_the_new_address_can_be_accepted_one_to_the_old_cannot(cast, ann, moved):
    acme = cast.organization(cast.account("Owner"))
    old = cast.invitation(acme, "ann@acme.test", acme.owner.account)
    new = cast.invitation(acme, NEW, acme.owner.account)

    with pytest.raises(NotAllowed, match="another address"):
        arrivals.accept(old, by=ann)
    arrivals.accept(new, by=ann)

    assert new.state == "accepted"


def test_letters_about_changes_are_limited_by_person_and_by_mailbox(cast, ann, settings):
    settings.limit_address_changes = "2/1d"
    for number in range(2):
        address_changes.ask(ann, f"ann{number}@else.test")

    with pytest.raises(TooOften):
        address_changes.ask(ann, "ann9@else.test")

    for number, tag in enumerate(("a", "b")):
        address_changes.ask(cast.account(f"Other{number}"), f"victim+{tag}@else.test")
    with pytest.raises(TooOften):
        address_changes.ask(cast.account("Third"), "victim@else.test")


def test_its_history_says_who_and_when_and_no_address(ann, moved):
    steps = history.history(moved)

    assert [step.event for step in steps] == ["begin", "confirm"]
    assert {step.action.by_id for step in steps} == {ann.id}


def test_a_letter_that_is_overtaken_on_its_way_is_moot(cast, ann, asked):
    cast.deliver()
    address_changes.ask(ann, "ann@third.test")
    claims = outbox.claim(10, "test")
    address_changes.cancel(by=ann)

    assert [outbox.compose(claim) for claim in claims] == [None, None]
