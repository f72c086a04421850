"""What can be seen: of the town, of Usher's tables, and where the two differ."""

from collections import Counter, defaultdict
from dataclasses import replace

from model import postbox
from model.town import Letter

from workflows import gate
from workflows.accounts import Account
from workflows.engine.db import db
from workflows.engine.letters import Letter as Posted
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.seats import Seat
from workflows.subscriptions import Subscription
from workflows.tokens import Token

NUMBERED = ("invitation", "token", "token_reissued")  # letters of a round or a generation


class Sight:
    """Usher's tables as they are now, in the town's words."""

    def __init__(self, beginning):
        db.session.rollback()
        self.beginning = beginning
        self.people = dict(db.session.execute(db.select(Account.id, Account.email)).all())
        self.places = self._organizations()
        self.about = {}  # (kind of row, id) → how the town calls it
        self._members()
        self._invitations()
        self._offers()
        self._seats_and_tokens()
        self.letters = Counter(self._letters())

    def _organizations(self):
        found = db.session.scalars(db.select(Organization).order_by(Organization.id)).all()
        self.slugs = {one.id: one.slug for one in found}
        self.owners = {one.owner_id for one in found}
        return {
            one.slug: {"name": one.name, "days": one.invitation_days}
            | _nothing_yet()
            | {"closed": one.state == "closed"}
            for one in found
        }

    def _rows(self, kind):
        """Every row with its organization, in the order in which they were made."""
        rows = db.session.scalars(db.select(kind).order_by(kind.id)).all()
        return [(self.places[self.slugs[row.organization_id]], row) for row in rows]

    def _name(self, row, number, *more):
        self.about[type(row), row.id] = (self.slugs[row.organization_id], (number, *more))

    def _members(self):
        for place, row in self._rows(Membership):
            self._name(row, len(place["members"]))
            place["members"].append((self.people[row.account_id], row.state))
            if row.id in self.owners:
                place["owner"] = self.people[row.account_id]

    def _invitations(self):
        for place, row in self._rows(Invitation):
            self._name(row, len(place["invitations"]))
            said = (row.email, self.people[row.invited_by_id], row.state, row.round)
            place["invitations"].append((*said, self._expires(row)))

    def _expires(self, row):
        return round((row.expires_at - self.beginning).total_seconds() / 3600, 1)

    def _offers(self):
        for place, row in self._rows(Handover):
            who = (self.people[one.account_id] for one in (row.owner, row.chosen))
            place["offers"].append((*who, row.state, self._expires(row)))

    def _seats_and_tokens(self):
        for place, row in self._rows(Subscription):
            place["subscriptions"].append((row.seats, row.state))
        for place, row in self._rows(Seat):
            place["seats"] += 1
            if row.membership_id:
                place["seated"].add(self._member(row))
        for place, row in self._rows(Token):
            member = self._member(row)
            self._name(row, member, len(place["tokens"][member]))
            place["tokens"][member].append((row.state, row.generation))

    def _member(self, row):
        return self.about[Membership, row.membership_id][1][0]

    def _letters(self):
        for letter in db.session.scalars(db.select(Posted).filter_by(state="pending")):
            if letter.template in postbox.TOLD:
                yield self.letter(letter)

    def letter(self, posted):
        kind = Token if posted.template in postbox.TO_HOLDER else Invitation
        number = posted.generation if posted.template in NUMBERED else 0
        return Letter(posted.template, *self.about[kind, posted.about_id], number)


def _nothing_yet():
    lists = {"members": [], "invitations": [], "offers": [], "subscriptions": []}
    return {**lists, "owner": None, "seats": 0, "seated": set(), "tokens": defaultdict(list)}


def of_town(organization):
    members = list(enumerate(organization.members))
    return {
        "name": organization.name,
        "days": organization.days,
        "closed": organization.closed,
        "owner": organization.owner.person,
        "offers": [
            (one.owner.person, one.chosen.person, one.state, round(one.expires, 1))
            for one in organization.offers
        ],
        "members": [(one.person, one.role) for _, one in members],
        "invitations": [
            (one.email, one.inviter, one.state, one.round, one.expires)
            for one in organization.invitations
        ],
        "subscriptions": [(one.seats, one.state) for one in organization.subscriptions],
        "seats": organization.bought,
        "seated": {number for number, one in members if one.seated},
        "tokens": {
            number: [(token.state, token.generation) for token in one.tokens]
            for number, one in members
            if one.tokens
        },
    }


def plain(letter):
    """A letter as it is known by the database, which counts only some of them."""
    return letter if letter.template in NUMBERED else replace(letter, number=0)


def differences(town, sight, secrets):
    """A line for everything that is not as the town says."""
    if town.organizations.keys() != sight.places.keys():
        yield f"organizations: {[*sight.places]} instead of {[*town.organizations]}"
        return
    for place, organization in town.organizations.items():
        for what, expected in of_town(organization).items():
            if (seen := sight.places[place][what]) != expected:
                yield f"{place}, {what}: {seen} instead of {expected}"
    must = [one for one in town.letters if postbox.wanted(town, one) == "must"]
    yield from (f"not posted: {one}" for one in Counter(map(plain, must)) - sight.letters)
    for secret, whose in secrets.items():
        answer, right = gate.judge(secret).reason, town.gate(*whose)
        if answer not in right:
            yield f"the gate says {answer} to {whose}, instead of {right}"
