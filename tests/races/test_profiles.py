"""Addresses and accounts, wanted, moved and closed at the same moment."""

from functools import partial

from people import PASSWORD
from racing import nothing_is_wrong, won

from workflows import (
    account_closures,
    accounts,
    address_changes,
    arrivals,
    gate,
    handovers,
    memberships,
    organizations,
    profiles,
    restitutions,
    roles,
    sessions,
    tokens,
)
from workflows.accounts import Account
from workflows.address_changes import AddressChange
from workflows.engine import outbox
from workflows.engine.db import db


def wish(account, email):
    """The change to this address, as it waits to be confirmed."""
    address_changes.remember(email, email, by=account)
    return address_changes.asked_by(account)


def holders(email):
    return db.session.scalars(db.select(Account).filter_by(email_key=email)).all()


def test_two_changes_to_one_address_move_one_account(race, cast, laps):
    for lap in laps:
        email = f"wanted{lap}@acme.test"
        people = [cast.account(f"{name}{lap}") for name in ("Ann", "Bob")]
        changes = [wish(person, email) for person in people]

        answers = race(
            *(
                partial(address_changes.confirm, change, by=person)
                for change, person in zip(changes, people, strict=True)
            )
        )

        assert won(answers) == 1
        assert [str(one) for one in answers if one] == [
            "There is another account with this address. Nothing was changed."
        ]
        assert holders(email) == [people[answers.index(None)]]
        assert sorted(one.state for one in changes) == ["asked", "confirmed"]


def test_a_change_and_a_sign_up_give_one_address_to_one_account(race, cast, laps):
    for lap in laps:
        email = f"wanted{lap}@acme.test"
        ann = cast.account(f"Ann{lap}")
        change = wish(ann, email)
        waiting = accounts.sign_up("Bob", email, PASSWORD)

        answers = race(
            partial(address_changes.confirm, change, by=ann), partial(accounts.confirm, waiting)
        )

        assert won(answers) == 1
        assert len(holders(email)) == 1
        assert (waiting.state == "confirmed") == (answers[1] is None)


def test_a_double_click_confirms_once_and_undoing_twice_is_once(race, cast, laps):
    for lap in laps:
        ann = cast.account(f"Ann{lap}")
        change = wish(ann, f"ann{lap}@else.test")

        assert won(race(*[partial(address_changes.confirm, change, by=ann)] * 3)) == 1
        assert won(race(*[partial(restitutions.undo, change, f"ann{lap}@acme.test")] * 2)) == 1
        assert ann.email == f"ann{lap}@acme.test"


def hand_over(handed):
    for claim in outbox.claim(10, "race"):
        if envelope := outbox.compose(claim):
            handed.append(envelope)
            outbox.sent(claim, "250 OK")


def test_a_token_that_is_mailed_while_a_change_is_undone_is_nobody_elses(race, cast, laps):
    owner = cast.account("Owner")
    acme = cast.organization(owner, seats=laps[-1] + 1)
    for lap in laps:
        member = cast.seated(acme, f"Ann{lap}", owner)
        old, new = member.account.email, f"ann{lap}@else.test"
        cast.deliver()
        tokens.activate(tokens.of(member), by=member.account)  # the letter waits
        change = wish(member.account, new)
        address_changes.confirm(change, by=member.account)
        handed = []

        answers = race(partial(hand_over, handed), partial(restitutions.undo, change, old))
        handed += cast.deliver()

        mailed = [one for one in handed if "token" in one.facts]
        works = [one.to for one in mailed if gate.judge(one.facts["token"]).passes]
        assert answers == [None, None]
        assert works == [old]
        assert nothing_is_wrong()


def test_two_wishes_at_once_leave_one(race, cast, laps):
    for lap in laps:
        ann = cast.account(f"Ann{lap}")

        race(
            *(
                partial(address_changes.remember, email, email, by=ann)
                for email in (f"a{lap}@x.test", f"b{lap}@x.test")
            )
        )

        asked = db.select(AddressChange).filter_by(account_id=ann.id, state="asked")
        assert len(db.session.scalars(asked).all()) == 1


def test_confirming_and_canceling_at_once_is_one_of_them(race, cast, laps):
    for lap in laps:
        ann = cast.account(f"Ann{lap}")
        change = wish(ann, f"ann{lap}@else.test")

        confirmed, _ = race(
            partial(address_changes.confirm, change, by=ann),
            partial(address_changes.cancel, by=ann),
        )

        assert change.state == ("canceled" if confirmed else "confirmed")
        assert ann.email == f"ann{lap}@{'acme' if confirmed else 'else'}.test"
        assert nothing_is_wrong()


def test_nobody_closes_an_account_while_they_become_the_owner(race, cast, acme, ann, laps):
    mine = memberships.of(ann, acme)
    for lap in laps:
        member = cast.member(acme, f"Bo{lap}", ann)
        bo = member.account
        roles.make_admin(member, by=ann)
        offer = handovers.offer(member, by=ann)

        accepted, closed = race(
            partial(handovers.accept, offer, by=bo), partial(account_closures.close, by=bo)
        )

        assert (accepted is None) != (closed is None)
        assert acme.owner_id == (mine if accepted else member).id
        assert bo.state == ("active" if closed else "closed")
        assert nothing_is_wrong()
        if closed:
            handovers.accept(handovers.offer(mine, by=bo), by=ann)


def test_nobody_forms_or_joins_an_organization_with_a_closed_account(race, cast, acme, ann, laps):
    for lap in laps:
        bo = cast.account(f"Bo{lap}")
        asked = cast.invitation(acme, bo.email, ann)

        formed, joined, closed = race(
            partial(organizations.found, "Place", f"place-{lap}", by=bo),
            partial(arrivals.accept, asked, by=bo),
            partial(account_closures.close, by=bo),
        )

        assert (formed is None) == (closed is not None)
        if closed is None:
            assert memberships.of_account(bo) == []
            assert str(formed) == "This account is closed."
        assert joined is None or str(joined) == "This account is closed."
        assert nothing_is_wrong()


def test_an_account_is_closed_once(race, cast, acme, ann, laps):
    for lap in laps:
        member = cast.seated(acme, f"Bo{lap}", ann)

        for person in (member.account, cast.account(f"Cy{lap}")):
            answers = race(*[partial(account_closures.close, by=person)] * 2)

            assert won(answers) == 1
            assert person.state == "closed"
        assert member.state == "left"
        assert nothing_is_wrong()


def test_two_new_passwords_at_once_are_one(race, cast, laps):
    for lap in laps:
        ann = cast.account(f"Ann{lap}")
        heres = [sessions.session_of(sessions.open_session(ann)) for _ in range(2)]
        new = ["the new password of one", "the new password of two"]

        answers = race(
            *(
                partial(profiles.change_password, here, PASSWORD, word, client="192.0.2.1")
                for here, word in zip(heres, new, strict=True)
            )
        )

        assert won(answers) == 1
        assert ann.password_round == 1
        assert accounts.check(f"ann{lap}@acme.test", new[answers.index(None)]) == ann
        assert sessions.of_account(ann) == [heres[answers.index(None)]]
