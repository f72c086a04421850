"""The people of the tests. Everything is done by the commands that the doors call."""

from workflows import (
    accounts,
    arrivals,
    guest_lists,
    invitations,
    memberships,
    organizations,
    seats,
    subscriptions,
    tokens,
)
from workflows.billing import Card
from workflows.engine import addressees, outbox

PASSWORD = "a password to test with"
CARD = Card("Visa", "4242", "12/2039")


class Cast:
    """Makes people and organizations, and keeps every letter that was handed over."""

    def __init__(self):
        self.letters = []

    def account(self, name, email=None):
        """Somebody who signed up and confirmed the address."""
        waiting = accounts.sign_up(name, email or f"{name.lower()}@acme.test", PASSWORD)
        return accounts.confirm(waiting)

    def organization(self, owner, name="Acme", seats=0):
        """An organization with this many seats bought."""
        slug = name.lower().replace(" ", "-")
        made = organizations.found(name, slug, by=owner)
        if seats:
            chosen = subscriptions.begin(made, seats, "monthly", by=owner)
            subscriptions.pay(chosen, CARD, by=owner)
        return made

    def invitation(self, organization, email, by):
        guest_lists.invite(organization, email, by=by)
        return invitations.of_organization(organization)[0]

    def member(self, organization, name, by):
        """Somebody invited, signed up through the link, and so a member."""
        invitation = self.invitation(organization, f"{name.lower()}@acme.test", by)
        account = arrivals.sign_up_by_link(invitation, name, PASSWORD)
        return memberships.of(account, organization)

    def seated(self, organization, name, by):
        """A member with a seat and an inactive token."""
        member = self.member(organization, name, by)
        seats.assign(member, by=by)
        return member

    def secret(self, member):
        """A member's token, activated and mailed; answers the secret in the letter."""
        tokens.activate(tokens.of(member), by=member.account)
        return self.deliver()[-1].facts["token"]

    def deliver(self):
        """Hand over every letter that waits; answers those of this time."""
        handed = []
        while claims := outbox.claim(100, "test"):
            for claim in claims:
                if envelope := outbox.compose(claim):
                    handed.append(envelope)
                    outbox.sent(claim, "250 OK")
        addressees.taken([envelope.to for envelope in handed])
        self.letters += handed
        return handed
