"""What may become of an invitation before it is answered, and who hears of it."""

from datetime import timedelta

import pytest

from workflows import (
    account_closures,
    address_changes,
    arrivals,
    corrections,
    correspondence,
    directories,
    guest_lists,
    invitations,
    moves,
    organizations,
    reminders,
    replies,
)
from workflows.directories import Search
from workflows.engine import outbox
from workflows.engine.db import db
from workflows.engine.history import history
from workflows.engine.refusals import Invalid, NotAllowed, NotNow, TooOften
from workflows.invitations import Invitation


@pytest.fixture
def acme(cast, ann):
    return cast.organization(ann)


@pytest.fixture
def invitation(cast, acme, ann):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    cast.deliver()
    return invitation


def told(cast):
    """Who hears what, of all that waits."""
    return {(letter.to, letter.template) for letter in cast.deliver()}


def turn(acme):
    [line] = [one for one in directories.look_up(acme, Search()).people if one.invitation]
    return line.turn


def later(settings, **time):
    settings.clock_offset += timedelta(**time).total_seconds()


def bounce(cast, acme, address, ann):
    """An invitation whose letter the mail server refuses."""
    cast.deliver()
    invitation = cast.invitation(acme, address, ann)
    [claim] = outbox.claim(1, "test")
    outbox.compose(claim)
    outbox.bounced(claim, "550 no such host")
    return invitation


def test_a_mistyped_address_is_corrected_once_its_letter_bounced(cast, acme, ann):
    mistyped = bounce(cast, acme, "bob@acme.tset", ann)
    assert told(cast) == {("ann@acme.test", "invitation_bounced")}
    assert turn(acme).button == "Correct Address"
    assert "550 no such host" in turn(acme).sentence

    right = corrections.correct(mistyped, "bob@acme.test", by=ann)

    assert (mistyped.state, mistyped.became) == ("revoked", "bob@acme.test")
    assert (right.state, right.instead_of) == ("sent", "bob@acme.tset")
    assert history(mistyped)[-1].action_id == history(right)[0].action_id
    assert told(cast) == {("bob@acme.test", "invitation")}
    assert turn(acme).whose == "Their turn"


def test_whoever_got_a_letter_by_mistake_hears_that_it_was_taken_back(cast, invitation, ann):
    corrections.correct(invitation, "rob@acme.test", by=ann)

    assert told(cast) == {
        ("bob@acme.test", "invitation_revoked"),
        ("rob@acme.test", "invitation"),
    }


@pytest.mark.parametrize(("address", "sentence"), [
    ("bob@acme.test", "went to"), ("ann@acme.test", "a member already"),
    ("cy@acme.test", "invited already"), ("x", "no @ sign"),
])  # fmt: skip
def test_an_address_that_cannot_be_invited_changes_nothing(
    cast, acme, invitation, ann, address, sentence
):
    cast.invitation(acme, "cy@acme.test", ann)

    with pytest.raises(Invalid, match=sentence):
        corrections.correct(invitation, address, by=ann)

    assert invitation.state == "sent"


def test_only_an_admin_corrects_extends_and_moves(cast, acme, invitation, ann):
    member = cast.member(acme, "Max", ann).account
    move = moves.ask(invitation, by=cast.account("Cy"))

    for command in (
        lambda: corrections.correct(invitation, "rob@acme.test", by=member),
        lambda: invitations.extend(invitation, by=member),
        lambda: moves.grant(move, "cy@acme.test", by=member),
        lambda: moves.refuse(move, by=member),
    ):
        with pytest.raises(NotAllowed):
            command()


def test_more_time_is_given_only_where_there_is_less(invitation, ann, settings):
    with pytest.raises(NotNow, match="full time"):
        invitations.extend(invitation, by=ann)
    later(settings, days=2)
    ends = invitation.expires_at

    invitations.extend(invitation, by=ann)

    assert (invitation.expires_at - ends).days == 2


def test_more_time_is_given_without_a_letter(cast, invitation, ann, settings):
    later(settings, days=15)
    invitations.expire_unanswered()
    cast.deliver()

    invitations.extend(invitation, by=ann)

    assert (invitation.state, invitation.round) == ("sent", 1)
    assert told(cast) == set()


def test_a_word_of_whoever_declines_reaches_the_admin(cast, acme, invitation):
    invitations.decline(invitation, "bob@acme.test", "  Not\nnow, thanks ", by=None)

    [letter] = cast.deliver()
    assert (letter.to, letter.facts["word"]) == ("ann@acme.test", "Not now, thanks")
    assert "“Not now, thanks”" in turn(acme).sentence


@pytest.mark.parametrize("word", ["x" * 281, "right\u202eto left"])
def test_a_word_too_long_or_unfit_to_be_shown_declines_nothing(invitation, word):
    with pytest.raises(Invalid):
        invitations.decline(invitation, "bob@acme.test", word, by=None)

    assert invitation.state == "sent"


def test_one_reminder_comes_two_days_before_the_end(cast, invitation, settings):
    later(settings, days=11, hours=23)
    reminders.remind()
    assert told(cast) == set()

    later(settings, hours=2)
    reminders.remind()
    reminders.remind()

    assert [(one.to, one.template) for one in cast.deliver()] == [
        ("bob@acme.test", "invitation_reminder")
    ]


def test_nobody_is_reminded_of_a_letter_that_never_left(cast, acme, ann, settings):
    bounce(cast, acme, "bob@acme.test", ann)
    cast.deliver()
    later(settings, days=13)

    reminders.remind()

    assert told(cast) == set()


def test_nobody_is_reminded_whose_whole_time_was_short(cast, acme, ann, settings):
    organizations.set_invitation_days(acme, 3, by=ann)
    cast.invitation(acme, "bob@acme.test", ann)
    cast.deliver()
    later(settings, days=2)

    reminders.remind()

    assert told(cast) == set()


def test_a_reminder_is_moot_once_there_is_an_answer(cast, invitation, settings):
    later(settings, days=13)
    reminders.remind()

    invitations.decline(invitation, "bob@acme.test", by=None)

    assert told(cast) == {("ann@acme.test", "invitation_declined")}


def test_whoever_is_late_asks_for_a_new_link_and_it_is_the_admins_turn(
    cast, acme, ann, invitation, settings
):
    later(settings, days=15)

    replies.ask_again(invitation, "bob@acme.test", by=None)

    assert ("ann@acme.test", "invitation_asked") in told(cast)
    assert (turn(acme).whose, turn(acme).button) == ("Your turn", "Resend")
    assert turn(acme).sentence == "Asked for a new link."
    with pytest.raises(TooOften):
        replies.ask_again(invitation, "bob@acme.test", by=None)

    invitations.resend(invitation, by=ann)

    assert (invitation.asked_at, turn(acme).whose) == (None, "Usher's turn")


def test_who_does_not_know_the_address_asks_for_nothing(cast, invitation, settings):
    later(settings, days=15)
    for guess in ("", "cy@acme.test"):
        with pytest.raises(Invalid):
            replies.ask_again(invitation, guess, by=None)
        with pytest.raises(Invalid):
            replies.silence(invitation, guess, by=None)

    assert told(cast) == set()
    assert invitation.state == "sent"


def test_an_invitation_moves_to_who_asks_when_an_admin_agrees(cast, acme, ann, invitation):
    cy = cast.account("Cy")
    cast.deliver()

    move = moves.ask(invitation, by=cy)

    assert moves.ask(invitation, by=cy).id == move.id
    assert told(cast) == {("ann@acme.test", "move_asked")}
    assert (turn(acme).whose, turn(acme).button) == ("Your turn", "Answer Request")
    assert "cy@acme.test" in turn(acme).sentence
    assert (invitation.state, invitation.email) == ("sent", "bob@acme.test")

    moved = moves.grant(move, "cy@acme.test", by=ann)

    assert (moved.email, moved.instead_of, move.state) == (
        "cy@acme.test", "bob@acme.test", "granted"
    )  # fmt: skip
    assert ("cy@acme.test", "invitation") in told(cast)
    assert arrivals.accept(moved, by=cy).state == "member"


def test_an_admin_invites_no_address_that_they_have_not_seen(cast, acme, ann, invitation):
    cy = cast.account("Cy")
    move = moves.ask(invitation, by=cy)
    seen = cy.email
    change = address_changes.remember("new@acme.test", "new@acme.test", by=cy)
    address_changes.confirm(change, by=cy)
    cast.deliver()

    with pytest.raises(Invalid, match="has another address by now"):
        moves.grant(move, seen, by=ann)

    assert (invitation.state, move.state) == ("sent", "asked")
    assert told(cast) == set()
    assert moves.grant(move, "new@acme.test", by=ann).email == "new@acme.test"


def test_a_move_that_a_closed_account_asked_for_can_only_be_refused(cast, acme, ann, invitation):
    cy = cast.account("Cy")
    move = moves.ask(invitation, by=cy)
    account_closures.close(by=cy)

    with pytest.raises(NotNow, match="closed their account"):
        moves.grant(move, "cy@acme.test", by=ann)

    assert invitation.state == "sent"
    moves.refuse(move, by=ann)
    assert told(cast) == set()


def test_a_refused_move_changes_nothing_and_is_not_asked_for_again(cast, acme, ann, invitation):
    cy = cast.account("Cy")
    move = moves.ask(invitation, by=cy)
    cast.deliver()

    moves.refuse(move, by=ann)

    assert told(cast) == {("cy@acme.test", "move_refused")}
    assert turn(acme).whose == "Their turn"
    with pytest.raises(NotNow, match="an admin decided against it"):
        moves.ask(invitation, by=cy)


def states(acme):
    """What admins are told of each letter about an invitation."""
    invited = db.session.scalars(db.select(Invitation.id).filter_by(organization=acme)).all()
    return [
        (posted.letter.template, posted.letter.told, [one.told for one in posted.attempts])
        for posted in correspondence.about({"invitations": invited})
    ]


def test_never_again_is_kept_by_every_organization_and_told_to_none(cast, acme, ann, invitation):
    zoe = cast.account("Zoe")
    other = cast.organization(zoe, "Other")
    cast.deliver()
    replies.silence(invitation, "bob@acme.test", by=None)

    for organization, by in ((acme, ann), (other, zoe)):
        for address in ("bob+again@acme.test", "sam@acme.test"):
            [outcome] = guest_lists.invite(organization, address, by=by)
            assert (outcome.word, outcome.sentence) == ("Invited", "")

    assert told(cast) == {("sam@acme.test", "invitation")}
    assert states(other) == [("invitation", "sent", ["sent"])] * 2


def test_whoever_wants_none_looks_like_whoever_does_not_answer(cast, acme, ann, settings):
    """Told again, reminded of, and taken back: to the admin nothing tells the two apart."""
    seen = []
    for name in ("bob", "sam"):
        address, organization = f"{name}@acme.test", cast.organization(ann, f"Acme of {name}")
        first = cast.invitation(organization, address, ann)
        cast.deliver()
        if name == "bob":
            replies.silence(first, address, by=None)
        later(settings, hours=1)
        invitations.resend(first, by=ann)
        heard = cast.deliver()
        later(settings, days=13)
        reminders.remind()
        heard += cast.deliver()
        turn_then = turn(organization)
        invitations.revoke(first, by=ann)
        heard += cast.deliver()
        seen.append((states(organization), turn_then.whose, turn_then.sentence, turn_then.button))
        assert bool([one for one in heard if one.to == address]) == (name == "sam")

    assert seen[0] == seen[1]


def test_letters_come_again_once_that_is_wanted(cast, acme, ann, invitation):
    replies.silence(invitation, "bob@acme.test", by=None)

    replies.hear_again(invitation, "bob@acme.test", by=None)
    invitations.resend(invitation, by=ann)

    assert told(cast) == {("bob@acme.test", "invitation")}


def test_whoever_asks_for_a_new_link_gets_it_whatever_they_wanted_before(
    cast, ann, invitation, settings
):
    replies.silence(invitation, "bob@acme.test", by=None)
    later(settings, days=15)

    replies.ask_again(invitation, "bob@acme.test", by=None)
    invitations.resend(invitation, by=ann)

    assert ("bob@acme.test", "invitation") in told(cast)


def test_whoever_asks_for_a_move_gets_the_letter_whatever_they_wanted_before(
    cast, acme, ann, invitation
):
    cy = cast.account("Cy")
    zoe = cast.account("Zoe")
    theirs = cast.invitation(cast.organization(zoe, "Other"), cy.email, zoe)
    replies.silence(theirs, cy.email, by=cy)

    moves.grant(moves.ask(invitation, by=cy), cy.email, by=ann)

    assert ("cy@acme.test", "invitation") in told(cast)


def test_a_letter_on_its_way_to_who_wants_none_is_not_sent(cast, acme, ann):
    cast.deliver()
    invitation = cast.invitation(acme, "bob@acme.test", ann)

    replies.silence_at_once(invitation)

    assert told(cast) == set()


def test_a_former_secret_key_still_knows_who_wants_none(
    app, cast, ann, invitation, settings, monkeypatch
):
    former = "a former key that is long enough and has no comma in it"
    monkeypatch.setitem(app.config, "SECRET_KEY", former)
    replies.silence(invitation, "bob@acme.test", by=None)
    monkeypatch.setattr(settings, "old_secret_keys", former)
    monkeypatch.setitem(app.config, "SECRET_KEY", "another key, long enough to be one as well")

    invitations.resend(invitation, by=ann)

    assert told(cast) == set()
