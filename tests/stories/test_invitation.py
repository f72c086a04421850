"""The story of an invitation, in ten steps, as spec.md tells it."""

from workflows import (
    accounts,
    arrivals,
    directories,
    gate,
    guest_lists,
    invitations,
    memberships,
    organizations,
    seats,
    subscriptions,
    tokens,
)
from workflows.billing.pretend import Pretend
from workflows.directories import Search
from workflows.engine.history import history
from workflows.organizations import Organization

PASSWORD = "correct horse battery staple"


def turn_of(organization: Organization, name: str) -> str:
    lines = directories.look_up(organization, Search()).people
    [mine] = [line for line in lines if line.membership and line.membership.account.name == name]
    return mine.turn.whose


def test_from_an_invitation_to_a_working_token(cast):
    # 1. Ann signs up; she is nobody until she has opened her letter.
    waiting = accounts.sign_up("Ann", "ann@acme.test", PASSWORD)
    [letter] = cast.deliver()
    assert (letter.to, letter.template) == ("ann@acme.test", "confirm_sign_up")
    ann = accounts.confirm(waiting)

    # 2. She forms an organization and is its owner, without a seat.
    acme = organizations.found("Acme Robotics", "acme-robotics", by=ann)
    assert acme.owner.account == ann
    assert seats.of(acme.owner) is None

    # 3. She buys three seats.
    purchase = subscriptions.begin(acme, 3, "monthly", by=ann)
    assert seats.count(acme).bought == 0
    subscriptions.pay(purchase, Pretend().take_card("4242424242424242", "12/39", "123"), by=ann)
    assert seats.count(acme).free == 3
    assert [letter.template for letter in cast.deliver()] == ["subscription_started"]

    # 4. She invites a colleague, who gets one letter with a link.
    [outcome] = guest_lists.invite(acme, "Bob@Acme.test", by=ann)
    assert (outcome.address, outcome.word) == ("Bob@acme.test", "Invited")
    [letter] = cast.deliver()
    assert letter.to == "Bob@acme.test"
    assert "/join/" in letter.facts["url"]
    [invitation] = invitations.of_organization(acme)

    # 5. Opening the link changes nothing; signing up through it accepts.
    assert invitation.state == "sent"
    bob = arrivals.sign_up_by_link(invitation, "Bob", PASSWORD)
    member = memberships.of(bob, acme)
    assert (invitation.state, member.state) == ("accepted", "member")
    assert accounts.check("bob@acme.test", PASSWORD) == bob

    # 6. The inviter hears of it, and it is her turn.
    [letter] = cast.deliver()
    assert (letter.to, letter.template) == ("ann@acme.test", "invitation_accepted")
    assert turn_of(acme, "Bob") == "Your turn"

    # 7. She gives Bob a seat: the invitation is finished, the token inactive.
    seats.assign(member, by=ann)
    assert invitation.state == "seated"
    assert tokens.of(member).state == "inactive"
    [letter] = cast.deliver()
    assert letter.facts["url"].endswith("/acme-robotics/token")
    assert turn_of(acme, "Bob") == "Their turn"

    # 8. Bob activates his token and finds it in the third letter.
    tokens.activate(tokens.of(member), by=bob)
    [letter] = cast.deliver()
    first = letter.facts["token"]
    assert gate.judge(first).passes

    # 9. He downloads: everything is set.
    judged = gate.judge(first)
    use = gate.Use(judged.generation_id, member.since, "conda from 192.0.2.7", downloaded=True)
    gate.record_uses([use])
    assert turn_of(acme, "Bob") == "All set"

    # 10. He reissues: the new secret works, the old one is superseded.
    tokens.reissue(tokens.of(member), 1, 0, by=bob)
    assert gate.judge(first).reason == "superseded"
    [letter] = cast.deliver()
    assert gate.judge(letter.facts["token"]).passes

    assert [step.event for step in history(invitation)] == ["begin", "accept", "seat"]
    token_steps = [step.event for step in history(tokens.of(member))]
    assert token_steps == ["begin", "activate", "reissue"]
