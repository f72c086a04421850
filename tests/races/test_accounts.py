"""Two people, or two clicks, claim one address or one name."""

from functools import partial

import pytest
from people import PASSWORD
from racing import nothing_is_wrong, won

from workflows import accounts, arrivals, organizations, resets
from workflows.accounts import Account, SignUp
from workflows.engine.db import db

OLD = "This link is too old. Sign up again to get a new one."


def sign_ups(email):
    return db.session.scalars(db.select(SignUp).filter_by(email_key=email)).all()


def test_two_sign_ups_for_one_address_make_one_account(race, laps):
    for lap in laps:
        email = f"bob{lap}@acme.test"
        waiting = [accounts.sign_up(name, email, PASSWORD) for name in ("Bob", "Mallory", "Eve")]

        answers = race(*(partial(accounts.confirm, one) for one in reversed(waiting)))

        assert won(answers) == 1
        assert {str(answer) for answer in answers if answer} == {OLD}
        assert sorted(one.state for one in waiting) == ["confirmed", "dropped", "dropped"]
        assert {one.password_hash for one in waiting} == {None}
        assert len(db.session.scalars(db.select(Account).filter_by(email_key=email)).all()) == 1


def test_a_double_click_on_confirm_makes_one_account(race, laps):
    for lap in laps:
        waiting = accounts.sign_up("Bob", f"bob{lap}@acme.test", PASSWORD)

        answers = race(*[partial(accounts.confirm, waiting)] * 3)

        assert won(answers) == 1
        assert {str(answer) for answer in answers if answer} == {
            "This address is confirmed already. You can log in."
        }


def test_an_address_proved_by_two_letters_at_once_has_one_account(race, cast, acme, ann, laps):
    for lap in laps:
        email = f"bob{lap}@acme.test"
        invitation = cast.invitation(acme, email, ann)
        waiting = accounts.sign_up("Bob", email, PASSWORD)

        confirmed, arrived = race(
            partial(accounts.confirm, waiting),
            partial(arrivals.sign_up_by_link, invitation, "Bob", PASSWORD),
            spread=0.06,
        )

        assert (confirmed is None) != (arrived is None)
        assert str(confirmed or arrived) in (OLD, "You already have an account. Log in with it.")
        assert waiting.state == ("dropped" if confirmed else "confirmed")
        assert invitation.state == ("sent" if arrived else "accepted")
        assert nothing_is_wrong()


def test_a_reset_link_sets_one_password(race, cast, laps):
    bob = cast.account("Bob")

    for lap in laps:
        resets.ask_reset("bob@acme.test")
        cast.deliver()
        passwords = [f"a new password of {who}, {lap}" for who in ("Bob", "Mallory")]

        answers = race(*(partial(resets.reset_password, bob, lap, one) for one in passwords))

        assert won(answers) == 1
        assert bob.password_round == lap + 1
        assert accounts.check("bob@acme.test", passwords[answers.index(None)]) == bob


@pytest.mark.parametrize("people", [1, 2])
def test_an_organization_id_is_given_once(race, cast, ann, people, laps):
    founders = [ann, cast.account("Bob")][:people] * 2

    for lap in laps:
        answers = race(
            *(partial(organizations.found, "Acme", f"acme-{lap}", by=who) for who in founders)
        )

        assert won(answers) == 1
        assert all(f"“acme-{lap}” is taken." in str(answer) for answer in answers if answer)
        assert nothing_is_wrong()
