"""Tokens: mailed and never kept."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from workflows import gate, roles, seats, tokens
from workflows.engine import outbox
from workflows.engine.db import db
from workflows.engine.refusals import Invalid, NotAllowed, NotNow
from workflows.tokens import Generation
from workflows.verdicts import Verdict


@pytest.fixture
def bob(cast, ann):
    bob = cast.seated(cast.organization(ann, seats=2), "Bob", ann)
    cast.deliver()
    return bob


@pytest.fixture
def token(bob):
    return tokens.of(bob)


def later(settings, **time):
    settings.clock_offset += timedelta(**time).total_seconds()


def secrets_in(letters):
    return [one.facts["token"] for one in letters if "token" in one.facts]


def test_only_the_holder_may_touch_a_token(token, ann):
    for act in (
        lambda: tokens.activate(token, by=ann),
        lambda: tokens.end_old(token, by=ann),
    ):
        with pytest.raises(NotAllowed, match="personal"):
            act()
    assert token.state == "inactive"


def test_nobody_else_learns_how_far_a_token_is(cast, bob, token, ann):
    tokens.activate(token, by=bob.account)

    with pytest.raises(NotAllowed, match="personal"):
        tokens.activate(token, by=ann)
    with pytest.raises(NotAllowed, match="personal"):
        tokens.reissue(token, 1, 7, by=ann)


def test_activating_twice_is_refused_kindly(cast, bob, token):
    tokens.activate(token, by=bob.account)

    with pytest.raises(NotNow, match="active already"):
        tokens.activate(token, by=bob.account)

    assert len(secrets_in(cast.deliver())) == 1


def test_a_token_that_is_not_active_cannot_be_reissued(bob, token):
    with pytest.raises(NotNow, match="Activate it first"):
        tokens.reissue(token, 0, 0, by=bob.account)


def test_before_its_letter_leaves_there_is_no_secret_anywhere(bob, token):
    tokens.activate(token, by=bob.account)

    assert token.current.digest is None
    assert db.session.query(Verdict).count() == 0


def test_a_letter_written_twice_carries_the_same_secret(bob, token):
    tokens.activate(token, by=bob.account)
    [claim] = outbox.claim(10, "one")
    first = outbox.compose(claim)
    outbox.later(claim, "451 not now")
    db.session.execute(db.text("UPDATE letters SET due_at = posted_at"))
    db.session.commit()
    [claim] = outbox.claim(10, "two")

    assert outbox.compose(claim) == first
    assert gate.judge(first.facts["token"]).passes


def test_reissuing_ends_the_old_secret_at_once(cast, bob, token):
    first = cast.secret(bob)

    tokens.reissue(token, 1, 0, by=bob.account)

    assert gate.judge(first).reason == "superseded"
    [second] = secrets_in(cast.deliver())
    assert gate.judge(second).passes
    assert (token.state, token.generation) == ("reissued", 2)


@pytest.mark.parametrize("hours", [1, 24])
def test_the_old_secret_may_live_on_for_a_while(cast, bob, token, settings, hours):
    first = cast.secret(bob)
    tokens.reissue(token, 1, hours, by=bob.account)
    [letter] = cast.deliver()
    second = letter.facts["token"]

    assert letter.facts["old_ends_at"] == token.old[0].ends_at
    later(settings, hours=hours, seconds=-5)
    assert gate.judge(first).passes
    assert gate.judge(second).passes
    later(settings, seconds=10)
    assert gate.judge(first).reason == "superseded"
    assert gate.judge(second).passes
    assert token.old == []


def test_the_old_secret_can_be_ended_now(cast, bob, token):
    first = cast.secret(bob)
    tokens.reissue(token, 1, 24, by=bob.account)

    tokens.end_old(token, by=bob.account)

    assert gate.judge(first).reason == "superseded"
    with pytest.raises(NotNow, match="ended already"):
        tokens.end_old(token, by=bob.account)


def test_a_leaked_token_reissued_at_once_ends_those_that_lived_on_too(cast, bob, token):
    first = cast.secret(bob)
    tokens.reissue(token, 1, 24, by=bob.account)
    [second] = secrets_in(cast.deliver())
    tokens.reissue(token, 2, 0, by=bob.account)

    assert gate.judge(first).reason == "superseded"
    assert gate.judge(second).reason == "superseded"


def test_a_double_click_reissues_once(cast, bob, token):
    cast.secret(bob)
    tokens.reissue(token, 1, 0, by=bob.account)

    with pytest.raises(NotNow, match="a moment ago"):
        tokens.reissue(token, 1, 0, by=bob.account)

    assert token.generation == 2
    assert len(secrets_in(cast.deliver())) == 1


@pytest.mark.parametrize("hours", [-1, 2, 10**9])
def test_other_times_cannot_be_chosen(cast, bob, token, hours):
    cast.secret(bob)

    with pytest.raises(Invalid, match="at once, 1 hour or 24 hours"):
        tokens.reissue(token, 1, hours, by=bob.account)


def test_a_secret_superseded_before_its_letter_left_is_never_mailed(cast, bob, token):
    tokens.activate(token, by=bob.account)
    tokens.reissue(token, 1, 24, by=bob.account)

    letters = cast.deliver()

    assert [one.template for one in letters] == ["token_reissued"]
    assert [one.digest is not None for one in token.generations] == [False, True]


def test_a_revoked_token_is_revoked_for_good(cast, bob, token, ann):
    tokens.activate(token, by=bob.account)
    seats.revoke(bob, by=ann)

    assert secrets_in(cast.deliver()) == []
    with pytest.raises(NotNow, match="revoked"):
        tokens.reissue(token, 1, 0, by=bob.account)


def test_the_nonce_is_wiped_a_week_after_the_letter_left(cast, bob, token, settings):
    secret = cast.secret(bob)
    tokens.wipe_nonces()
    assert token.current.nonce

    later(settings, days=8)
    tokens.wipe_nonces()

    assert token.current.nonce is None
    assert gate.judge(secret).passes
    with pytest.raises(ValueError, match="nonce"):
        tokens.mint(token, 1)


def test_another_key_never_mails_another_secret(cast, bob, token, settings):
    cast.secret(bob)
    settings.token_keys = "0=a key that is not the one of before"

    with pytest.raises(ValueError, match="key mismatch"):
        tokens.mint(token, 1)


def test_no_secret_rests_in_the_files_of_the_database(cast, bob, token, database_files):
    secret = cast.secret(bob)
    tokens.reissue(token, 1, 24, by=bob.account)
    [second] = secrets_in(cast.deliver())

    contents = {file.name: file.read_bytes() for file in database_files()}
    assert any(b"bob@acme.test" in content for content in contents.values())
    for name, content in contents.items():
        for word in (secret, second, secret[4:42], second[4:42]):
            assert word.encode() not in content, name


@pytest.mark.parametrize("statement", [
    "UPDATE tokens SET state = 'revoked'",
    "UPDATE tokens SET seat_id = NULL",
    "UPDATE tokens SET generation = 5",
    "UPDATE tokens SET state = 'reissued'",
    "UPDATE tokens SET membership_id = 1",
])  # fmt: skip
def test_impossible_tokens_cannot_be_written(cast, bob, token, statement):
    cast.secret(bob)

    with pytest.raises(IntegrityError):
        db.session.execute(db.text(statement))


def test_last_use_and_first_download_are_written_once_for_a_batch(cast, bob, token):
    cast.secret(bob)
    generation = token.current.id
    first, second = token.since, token.since + timedelta(minutes=5)

    gate.record_uses(
        [
            gate.Use(generation, second, "pip from 192.0.2.9", downloaded=True),
            gate.Use(generation, first, "conda from 192.0.2.7", downloaded=True),
        ]
    )

    assert token.first_download_at == first
    assert token.last_used_at == second
    assert db.session.get(Generation, generation).last_used_from == "pip from 192.0.2.9"


def test_looking_is_not_downloading(cast, bob, token):
    cast.secret(bob)

    gate.record_uses([gate.Use(token.current.id, token.since, "curl", downloaded=False)])

    assert token.first_download_at is None
    assert token.last_used_at


def test_verdicts_can_be_worked_out_anew(cast, bob, token):
    secret = cast.secret(bob)
    assert gate.recheck() == 0
    db.session.execute(db.text("UPDATE verdicts SET reason = 'revoked'"))
    db.session.commit()
    assert not gate.judge(secret).passes

    assert gate.recheck() == 1

    assert gate.judge(secret).passes


@pytest.mark.parametrize(("secret", "reason"), [
    (None, "missing"), ("", "missing"), ("usht", "malformed"), ("x" * 48, "malformed"),
    ("usht" + "a" * 44, "malformed"), ("é" * 48, "malformed"), ("usht\x00" + "a" * 43, "malformed"),
])  # fmt: skip
def test_what_is_no_token_is_told_without_asking_the_database(app, secret, reason):
    assert gate.judge(secret).reason == reason
    assert gate.judge(secret).status == 401


def test_a_well_formed_token_of_another_installation_is_unknown(cast, bob, settings):
    secret = cast.secret(bob)
    db.session.execute(db.text("DELETE FROM verdicts"))

    assert gate.judge(secret).reason == "unknown"


def test_a_member_who_became_an_admin_keeps_seat_and_token(cast, bob, ann):
    secret = cast.secret(bob)

    roles.make_admin(bob, by=ann)

    assert gate.judge(secret).passes
