"""Limits: exact, kept as rows, and counted also when what was tried is refused."""

from datetime import timedelta

import pytest
from people import PASSWORD

from workflows import accounts, arrivals, guest_lists, invitations, log_ins, resets, tokens
from workflows.engine import identity, limits, outbox, seals
from workflows.engine.db import command, db, now
from workflows.engine.letters import Letter
from workflows.engine.limits import Bucket
from workflows.engine.refusals import Invalid, NotNow, TooOften
from workflows.invitations import Invitation

HERE, ELSEWHERE = "198.51.100.7", "203.0.113.9"
WRONG = "not the password of anybody"


@pytest.fixture(autouse=True)
def slowly(settings):
    """Limits that do not loosen while a slow machine runs a test."""
    settings.limit_log_in = "10/5h"


def later(settings, **time):
    settings.clock_offset += timedelta(**time).total_seconds()


def tries(many, password=WRONG, email="ann@acme.test", client=HERE):
    """How often the password was looked at, before the limit was reached."""
    for number in range(many):
        try:
            log_ins.log_in(email, password, client=client)
        except Invalid:
            continue
        except TooOften:
            return number
    return many


def outcome(organization, address, by):
    [found] = guest_lists.invite(organization, address, by=by)
    return found.word, found.sentence


def test_ten_are_let_through_at_once_and_then_one_every_half_hour(app, settings):
    def let_through():
        return [limits.take("log_in", "somebody") is None for _ in range(12)].count(True)

    assert let_through() == 10
    later(settings, minutes=29)
    assert let_through() == 0
    later(settings, minutes=2)
    assert let_through() == 1
    later(settings, hours=5)
    assert let_through() == 10


@pytest.mark.parametrize(("wait", "words"), [
    ({"seconds": 0.2}, "in 1 second"), ({"seconds": 30}, "in 30 seconds"),
    ({"seconds": 61}, "in 2 minutes"), ({"minutes": 4}, "in 4 minutes"),
    ({"hours": 3}, "in 3 hours"), ({"hours": 20}, "tomorrow"), ({"hours": 60}, "in 3 days"),
])  # fmt: skip
def test_a_refusal_says_when_it_can_be_tried_again(wait, words):
    refusal = limits.too_often(timedelta(**wait))

    assert str(refusal) == f"Too many tries. Try again {words}."


def test_of_several_rates_all_count_or_none(app, settings):
    def let_through():
        return [limits.take("recipient", "ann") is None for _ in range(5)].count(True)

    assert [let_through() for day in range(5) if not day or later(settings, days=1) is None] == [
        3, 3, 3, 2, 0,
    ]  # fmt: skip


def test_what_a_refused_command_counted_is_not_counted(app):
    @command
    def refused():
        limits.count("resend", 1)
        raise NotNow("No.")

    for _ in range(2):
        with pytest.raises(NotNow):
            refused()

    assert limits.take("resend", 1) is None


def test_no_address_rests_in_a_bucket_and_a_drained_one_is_forgotten(cast, settings):
    cast.account("Ann")
    tries(3)
    keys = db.session.scalars(db.select(Bucket.key)).all()

    later(settings, days=1)
    limits.drop_stale()
    later(settings, days=100)
    limits.drop_stale()

    assert {len(key) for key in keys} == {32}
    assert not any(text in key for key in keys for text in (b"ann", HERE.encode()))
    assert db.session.scalars(db.select(Bucket)).all() == []


def test_wrong_passwords_are_counted_although_each_is_refused(cast):
    cast.account("Ann")

    assert tries(20) == 10
    with pytest.raises(TooOften, match=r"Too many tries\. Try again in 30 minutes\."):
        log_ins.log_in("ann@acme.test", PASSWORD, client=HERE)


def test_an_address_without_an_account_has_the_same_limit_and_sentence(cast):
    cast.account("Ann")
    tries(10)
    tries(10, email="nobody@acme.test", client=ELSEWHERE)

    told = set()
    for email, client in (("ann@acme.test", "192.0.2.1"), ("nobody@acme.test", "192.0.2.2")):
        with pytest.raises(TooOften) as refusal:
            log_ins.log_in(email, PASSWORD, client=client)
        told.add(str(refusal.value))

    assert told == {"Too many tries. Try again in 30 minutes."}


def test_all_the_world_together_guesses_no_more_often_than_one_network(cast):
    cast.account("Ann")

    assert sum(tries(1, client=f"203.0.113.{number}") for number in range(40)) == 10


def test_one_network_cannot_go_through_a_list_of_addresses(cast):
    assert sum(tries(1, email=f"person{number}@acme.test") for number in range(40)) == 10


def test_right_passwords_are_not_counted(cast):
    ann = cast.account("Ann")

    assert [log_ins.log_in("ann@acme.test", PASSWORD, client=HERE) for _ in range(30)] == [ann] * 30


def test_an_attacker_elsewhere_cannot_lock_the_owner_out(cast):
    ann = cast.account("Ann")
    log_ins.log_in("ann@acme.test", PASSWORD, client=HERE, browser="hers")

    assert tries(20, client=ELSEWHERE) == 10
    assert log_ins.log_in("ann@acme.test", PASSWORD, client=HERE, browser="hers") == ann


def test_a_neighbour_does_not_learn_who_logs_in_from_the_same_network(cast):
    cast.account("Ann")
    log_ins.log_in("ann@acme.test", PASSWORD, client=HERE, browser="hers")
    for email in ("ann@acme.test", "nobody@acme.test"):
        assert tries(20, email=email, client=f"{email}") == 10

    for email in ("ann@acme.test", "nobody@acme.test"):
        assert tries(1, email=email, client=HERE) == 0


def test_somebody_locked_out_in_a_new_place_gets_in_by_a_reset_letter(cast):
    ann = cast.account("Ann")
    tries(20, client=ELSEWHERE)
    resets.ask_reset("ann@acme.test", client=HERE)
    cast.deliver()

    resets.reset_password(ann, 0, "an entirely new password")
    log_ins.make_familiar(ann, browser="hers")

    new = "an entirely new password"
    assert log_ins.log_in("ann@acme.test", new, client=HERE, browser="hers") == ann


def test_own_log_ins_buy_no_more_guesses_at_others(cast):
    for name in ("Ann", "Eve"):
        cast.account(name)
    guesses = 0
    for _ in range(8):
        guesses += tries(3)
        tries(1, PASSWORD, email="eve@acme.test")

    assert guesses == 10


@pytest.mark.parametrize(("one", "other"), [
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"), ("::ffff:192.0.2.1", "192.0.2.1"),
])  # fmt: skip
def test_a_client_is_known_by_its_network(one, other):
    assert identity.network(one) == identity.network(other)
    assert identity.network("2001:db8:1:2::1") != identity.network("2001:db8:1:3::1")
    assert identity.network("192.0.2.1") != identity.network("192.0.2.2")


def test_whoever_holds_a_link_lets_us_hash_no_password_for_ever(app):
    waiting = accounts.sign_up("Ann", "ann@acme.test", PASSWORD)
    for _ in range(20):
        with pytest.raises(Invalid):
            accounts.confirm_anew(waiting, "", "short")
    for _ in range(10):
        accounts.prepared("Ann", PASSWORD, "sign-up", waiting.id)

    with pytest.raises(TooOften):
        accounts.confirm_anew(waiting, "Ann", PASSWORD)

    accounts.prepared("Bob", PASSWORD, "sign-up", waiting.id + 1)
    assert waiting.state == "waiting"


def test_an_invitation_whose_person_has_an_account_hashes_nothing(cast, monkeypatch):
    ann = cast.account("Ann")
    invitation = cast.invitation(cast.organization(ann), "bob@acme.test", ann)
    cast.account("Bob")
    monkeypatch.setattr(identity, "hash_password", lambda _: pytest.fail("It was hashed."))

    with pytest.raises(NotNow, match="You already have an account"):
        arrivals.sign_up_by_link(invitation, "Bob", PASSWORD)


def test_sign_ups_are_counted_by_client_and_by_address(app, settings):
    def sign_up(number, client):
        later(settings, seconds=11)
        accounts.sign_up("Ann", f"ann{number}@acme.test", PASSWORD, client=client)

    for number in range(10):
        sign_up(number, HERE)
    with pytest.raises(TooOften):
        sign_up(10, HERE)
    for _ in range(5):
        sign_up("", ELSEWHERE)
    with pytest.raises(TooOften, match="Look for them first"):
        sign_up("", ELSEWHERE)
    sign_up("", "192.0.2.1")


def test_tags_are_counted_together_and_keep_nobody_from_the_plain_address(app, settings):
    for tag in range(5):
        later(settings, seconds=11)
        accounts.sign_up("Eve", f"ann+{tag}@acme.test", PASSWORD, client=ELSEWHERE)
    with pytest.raises(TooOften):
        accounts.sign_up("Eve", "ann+more@acme.test", PASSWORD, client=ELSEWHERE)

    accounts.sign_up("Ann", "ann@acme.test", PASSWORD, client=ELSEWHERE)


def flood(settings, email, many):
    """Sign-ups by a stranger who has many networks."""
    for number in range(many):
        later(settings, seconds=1)
        accounts.sign_up("Eve", email.format(number), PASSWORD, client=f"192.0.2.{number}")


def test_tags_made_up_by_strangers_hold_up_no_letter_to_the_plain_address(cast, settings):
    settings.limit_letters = "3/1d"
    flood(settings, "ann+{}@acme.test", 5)
    assert len(cast.deliver()) == 3

    accounts.sign_up("Ann", "ann@acme.test", PASSWORD, client=HERE)

    assert [one.to for one in cast.deliver()] == ["ann@acme.test"]


def test_whoever_finds_the_ration_used_up_has_a_letter_that_opens_the_way(cast, settings):
    """For days: strangers ask for as many letters as they can, and the owner comes at any time."""
    settings.limit_letters = "3/1d"
    for day in range(4):
        flood(settings, "ann@acme.test", 6)
        cast.deliver()
        accounts.drop_stale()
        mine = accounts.sign_up("Ann", "ann@acme.test", PASSWORD, client=f"198.51.100.{day}")
        mailed = cast.deliver()
        links = [one.facts["url"] for one in cast.letters if one.template == "confirm_sign_up"]
        assert not mailed
        newest = seals.unseal("signup", links[-1].rpartition("/")[2])[0]
        waiting = db.session.get(accounts.SignUp, newest)
        accounts.may_confirm(waiting)
        assert now() - waiting.since < timedelta(hours=24)
        assert len(links) <= 3 * (day + 1)
        letter = outbox.newest(("confirm_sign_up",), [mine.id])[mine.id]
        assert (letter.state, letter.reply) == ("moot", None)
        later(settings, days=1)

    ann = accounts.confirm(waiting, mine)

    assert (ann.name, accounts.check("ann@acme.test", PASSWORD)) == ("Ann", ann)


def test_no_letter_is_spared_for_one_whose_link_is_about_to_end(cast, settings):
    settings.limit_letters = "1/3d"
    flood(settings, "ann@acme.test", 1)
    assert len(cast.deliver()) == 1
    later(settings, hours=30)

    mine = accounts.sign_up("Ann", "ann@acme.test", PASSWORD, client=HERE)

    assert cast.deliver() == []
    letter = outbox.newest(("confirm_sign_up",), [mine.id])[mine.id]
    assert letter.state == "pending"


def test_a_letter_waits_for_its_turn_where_no_other_opens_the_way(cast, settings):
    settings.limit_letters = "2/1d"
    flood(settings, "ann+{}@acme.test", 3)

    assert [one.to for one in cast.deliver()] == ["ann+0@acme.test", "ann+1@acme.test"]
    later(settings, days=1)
    assert [one.to for one in cast.deliver()] == ["ann+2@acme.test"]


@pytest.mark.parametrize("email", ["ann@acme.test", "nobody@acme.test"])
def test_five_reset_letters_a_day_whoever_it_is(cast, email):
    cast.account("Ann")
    for number in range(5):
        resets.ask_reset(email, client=f"192.0.2.{number}")

    with pytest.raises(TooOften, match="Look for the last one"):
        resets.ask_reset(email, client=HERE)


def test_nobody_elsewhere_uses_up_the_reset_letters_of_the_owners_browser(cast):
    ann = cast.account("Ann")
    log_ins.make_familiar(ann, browser="hers")
    for number in range(5):
        resets.ask_reset("ann@acme.test", client=f"192.0.2.{number}", browser="another")
    with pytest.raises(TooOften):
        resets.ask_reset("ann@acme.test", client=ELSEWHERE, browser="another")

    resets.ask_reset("ann@acme.test", client=HERE, browser="hers")

    assert len(cast.deliver()) == 6


def test_a_reset_for_nobody_writes_what_one_for_somebody_writes(cast):
    cast.account("Ann")
    cast.deliver()
    written = []
    for email, client in (("ann@acme.test", HERE), ("nobody@acme.test", ELSEWHERE)):
        before = rows()
        resets.ask_reset(email, client=client)
        written.append({name: number - before[name] for name, number in rows().items()})

    new = {"reset_wishes": 1, "letters": 1, "buckets": 3, "steps": 0, "sign_ups": 0}
    assert written == [new, new]
    assert [one.to for one in cast.deliver()] == ["ann@acme.test"]


def rows():
    tables = ("reset_wishes", "letters", "buckets", "steps", "sign_ups")
    return {t: db.session.scalar(db.text(f"SELECT count(*) FROM {t}")) for t in tables}


def test_a_free_organization_has_fifty_invitations_open_and_seats_make_room(cast):
    ann = cast.account("Ann")
    free = cast.organization(ann)
    text = " ".join(f"p{number}@x.test" for number in range(60))

    outcomes = guest_lists.invite(free, text, by=ann)

    assert [one.word for one in outcomes] == ["Invited"] * 50 + ["Not now"] * 10
    assert "50 invitations are open" in outcomes[-1].sentence
    paying = cast.organization(ann, "Paying", seats=40)
    assert {one.word for one in guest_lists.invite(paying, text, by=ann)} == {"Invited"}


def test_revoking_makes_no_room_for_more_letters(cast):
    ann = cast.account("Ann")
    acme = cast.organization(ann, seats=1)
    guest_lists.invite(acme, " ".join(f"p{number}@x.test" for number in range(50)), by=ann)
    for invitation in invitations.of_organization(acme):
        invitations.revoke(invitation, by=ann)

    word, sentence = outcome(acme, "new@x.test", ann)

    assert (word, sentence.partition(".")[0]) == (
        "Not now",
        "So many invitations cannot be sent at once",
    )


def test_accepted_invitations_are_not_counted(cast):
    ann = cast.account("Ann")
    acme = cast.organization(ann, seats=1)
    guest_lists.invite(acme, " ".join(f"p{number}@x.test" for number in range(49)), by=ann)

    words = [outcome(acme, "last@x.test", ann)[0]]
    bob = cast.account("Bob", "last@x.test")
    arrivals.accept(invitations.of_organization(acme)[0], by=bob)

    assert [*words, outcome(acme, "another@x.test", ann)[0]] == ["Invited", "Invited"]


def test_one_mailbox_is_asked_three_times_a_day_by_all_organizations(cast, settings):
    """The rest waits, and no inviter learns from the answer, or later, that others asked."""
    told = []
    for number in range(5):
        owner = cast.account(f"Owner{number}")
        organization = cast.organization(owner, f"Place {number}")
        told.append(outcome(organization, f"Eve+{number}@x.test", owner))

    to_eve = [one.to for one in cast.deliver() if one.to.startswith("Eve")]
    last = db.session.scalar(db.select(Letter).order_by(Letter.id.desc()))

    assert told == [("Invited", "")] * 5
    assert to_eve == ["Eve+0@x.test", "Eve+1@x.test", "Eve+2@x.test"]
    assert (last.state, last.attempts, last.reply) == ("pending", 0, None)
    later(settings, days=1)
    assert len([one for one in cast.deliver() if one.to.startswith("Eve")]) == 2


def test_an_organization_hears_of_its_own_asking(cast, settings):
    ann = cast.account("Ann")
    acme = cast.organization(ann)
    told = []
    for _ in range(4):
        told.append(outcome(acme, "eve@x.test", ann))
        press(invitations.revoke, invitations.of_organization(acme)[0], ann)

    assert [word for word, _ in told] == ["Invited"] * 3 + ["Not now"]
    assert told[3][1].startswith("You have asked this address often enough lately. Try again")


def test_one_address_over_the_limit_stops_no_other(cast):
    ann = cast.account("Ann")
    acme = cast.organization(ann)
    for _ in range(3):
        invitations.revoke(cast.invitation(acme, "eve@x.test", ann), by=ann)

    outcomes = guest_lists.invite(acme, "a@x.test eve@x.test b@x.test", by=ann)

    assert [one.word for one in outcomes] == ["Invited", "Not now", "Invited"]
    open_ones = [one for one in invitations.of_organization(acme) if one.state == "sent"]
    assert {one.email for one in open_ones} == {"a@x.test", "b@x.test"}


def test_resending_twice_by_mistake_is_told_kindly(cast):
    ann = cast.account("Ann")
    invitation = cast.invitation(cast.organization(ann), "bob@x.test", ann)
    invitations.resend(invitation, by=ann)

    with pytest.raises(TooOften, match="sent again a moment ago"):
        invitations.resend(invitation, by=ann)

    assert invitation.round == 2


def test_a_token_is_reissued_five_times_an_hour(cast):
    ann = cast.account("Ann")
    bob = cast.seated(cast.organization(ann, seats=1), "Bob", ann)
    cast.secret(bob)
    token = tokens.of(bob)
    for number in range(5):
        tokens.reissue(token, number + 1, 0, by=bob.account)

    with pytest.raises(TooOften, match="The secret in the newest letter works"):
        tokens.reissue(token, 6, 0, by=bob.account)

    assert token.generation == 6


def test_whoever_gets_too_many_letters_gets_the_rest_later(cast, settings):
    settings.limit_recipient = "2/1d"
    ann = cast.account("Ann")
    for number in range(4):
        cast.invitation(cast.organization(ann, f"Place {number}"), f"eve+{number}@x.test", ann)

    to_eve = [one for one in cast.deliver() if one.to.startswith("eve")]
    later(settings, days=1)
    rest = [one for one in cast.deliver() if one.to.startswith("eve")]

    assert (len(to_eve), len(rest)) == (2, 2)
    asked = db.select(Letter.state).filter_by(template="invitation")
    assert set(db.session.scalars(asked)) == {"sent"}


def test_sign_ups_by_strangers_hold_up_no_reset_letter(cast, settings):
    cast.account("Ann")
    settings.limit_letters = "5/1d"
    for number in range(12):
        later(settings, seconds=11)
        name, client = f"Stranger {number}", f"192.0.2.{number}"
        accounts.sign_up(name, "ann@acme.test", PASSWORD, client=client)
    flood = cast.deliver()

    resets.ask_reset("ann@acme.test", client=HERE)

    assert [one.to for one in flood] == ["ann@acme.test"] * 5
    assert [one.to for one in cast.deliver()] == ["ann@acme.test"]


def test_the_worst_free_account_sends_no_more_letters_than_the_limits_allow(cast, settings):
    """S11: many organizations, lists, revoking and inviting again, resending, plus-aliases."""
    eve = cast.account("Eve")
    cast.deliver()
    places = []
    for number in range(25):
        try:
            places.append(cast.organization(eve, f"Place {number}"))
        except TooOften:
            break
    for hour in range(3):
        for place in places:
            text = " ".join(f"victim{n % 5}+{hour}{n}@x.test" for n in range(8))
            text += " " + " ".join(f"{place.slug}-{hour}-{n}@y.test" for n in range(8))
            guest_lists.invite(place, text, by=eve)
            for invitation in invitations.of_organization(place):
                if invitation.state == "sent":
                    press(invitations.resend, invitation, eve)
                    press(invitations.revoke, invitation, eve)
        later(settings, hours=1)

    letters = cast.deliver()

    assert len(places) == 20
    begun = db.session.scalars(db.select(Invitation)).all()
    assert len(begun) <= 50 + 3 * 50 / 24
    for victim in range(5):
        asked = [one for one in letters if one.to.startswith(f"victim{victim}+")]
        assert len([one for one in asked if one.template == "invitation"]) <= 3
    assert len(letters) <= 2 * len(begun)


def press(do, invitation, by):
    """Press a button that may be refused."""
    try:
        do(invitation, by=by)
    except (TooOften, NotNow):
        return False
    return True
