"""What can be seen: of the town, of Usher's tables, and where the two differ."""

from collections import Counter, defaultdict
from dataclasses import replace

from model import postbox
from model.steps import PEOPLE as MAILBOXES
from model.town import NEVER, Letter

from workflows import gate, silences
from workflows.accounts import CLOSED, Account
from workflows.address_changes import AddressChange
from workflows.engine.db import db
from workflows.engine.letters import Letter as Posted
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.moves import Move
from workflows.organizations import Organization
from workflows.places import Place
from workflows.seats import Seat
from workflows.subscriptions import Subscription
from workflows.tokens import Token

# Letters of a round or a generation.
NUMBERED = ("invitation", "invitation_asked", "token", "token_reissued")
ABOUT = {Token: postbox.TO_HOLDER, Place: postbox.TO_WHO_WAITS, Move: postbox.ON_MOVE}
ABOUT |= {AddressChange: postbox.ON_CHANGE, Membership: postbox.TO_BILLER}


class Sight:
    """Usher's tables as they are now, in the town's words."""

    def __init__(self, beginning, town):
        db.session.rollback()
        self.beginning = beginning
        known = db.session.execute(db.select(Account.id, Account.email).order_by(Account.id)).all()
        self.addresses = [email or None for _, email in known]
        names = [*town.people, *(email for _, email in known[len(town.people) :])]
        self.people = {row: name for (row, _), name in zip(known, names, strict=False)}
        self.places = self._organizations()
        self.about = {}  # (kind of row, id) → how the town calls it
        self._members()
        self._invitations()
        self._moves()
        self._places()
        self._offers()
        self.changes = list(self._changes())
        self._seats_and_tokens()
        self.silent = self._silent()
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
            email = "" if row.email == CLOSED else row.email
            said = (email, self.people[row.invited_by_id], row.state, row.round)
            more = (row.seat_wished, row.word or "", row.asked_at is not None)
            place["invitations"].append((*said, self._expires(row), *more))

    def _moves(self):
        for place, row in self._rows(Move):
            self._name(row, len(place["moves"]))
            about = self.about[Invitation, row.invitation_id][1][0]
            place["moves"].append((about, self.people[row.account_id], row.state))

    def _places(self):
        rows = self._rows(Place)
        for place, row in rows:
            self._name(row, len(place["places"]))
            said = (row.word or "", row.answer or "")
            place["places"].append((self._member(row), row.state, *said))
        for place, row in sorted(rows, key=lambda one: one[1].rank or 0):
            place["line"] += [self._member(row)] * (row.state == "queued")

    def _expires(self, row):
        return round((row.expires_at - self.beginning).total_seconds() / 3600, 1)

    def _offers(self):
        for place, row in self._rows(Handover):
            who = (self.people[one.account_id] for one in (row.owner, row.chosen))
            place["offers"].append((*who, row.state, self._expires(row)))

    def _changes(self):
        rows = db.session.scalars(db.select(AddressChange).order_by(AddressChange.id)).all()
        for number, row in enumerate(rows):
            self.about[AddressChange, row.id] = ("", (number,))
            yield self.people[row.account_id], row.email, row.old_email, row.state

    def _seats_and_tokens(self):
        for place, row in self._rows(Subscription):
            kept = row.kept_until is not None
            place["subscriptions"].append(
                (row.seats, row.state, row.word or "", row.card_last4 or "", kept)
            )
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

    def _silent(self):
        """Asked for each mailbox, once there is a silence at all."""
        some = db.session.scalar(db.select(silences.Silence.key).limit(1))
        return {one for one in MAILBOXES if silences.holds(one)} if some else set()

    def _letters(self):
        for letter in db.session.scalars(db.select(Posted).filter_by(state="pending")):
            if letter.template in postbox.TOLD:
                yield self.letter(letter)

    def letter(self, posted):
        kind = next((kind for kind, some in ABOUT.items() if posted.template in some), Invitation)
        number = posted.generation if posted.template in NUMBERED else 0
        return Letter(posted.template, *self.about[kind, posted.about_id], number)


def _nothing_yet():
    lists = ("members", "invitations", "moves", "places", "line", "offers", "subscriptions")
    others = {"owner": None, "seats": 0, "seated": set(), "tokens": defaultdict(list)}
    return {what: [] for what in lists} | others


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
            (
                *(one.email, one.inviter, one.state, one.round, one.expires),
                *(one.seat, one.word, one.asked),
            )
            for one in organization.invitations
        ],
        "moves": [
            (_number(organization.invitations, one.invitation), one.person, one.state)
            for one in organization.moves
        ],
        "places": [
            (_number(organization.members, one.member), one.state, one.word, one.answer)
            for one in organization.places
        ],
        "line": [_number(organization.members, one.member) for one in organization.line],
        "subscriptions": [
            (one.seats, one.state, one.word, one.card, one.kept_until < NEVER)
            for one in organization.subscriptions
        ],
        "seats": organization.bought,
        "seated": {number for number, one in members if one.seated},
        "tokens": {
            number: [(token.state, token.generation) for token in one.tokens]
            for number, one in members
            if one.tokens
        },
    }


def _number(rows, row):
    """Which of them it is; others may be equal to it."""
    return next(number for number, one in enumerate(rows) if one is row)


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
    if sight.addresses != [*town.people.values()]:
        yield f"accounts: {sight.addresses} instead of {[*town.people.values()]}"
    changes = [(one.person, one.email, one.old, one.state) for one in town.changes]
    if sight.changes != changes:
        yield f"changes of address: {sight.changes} instead of {changes}"
    if sight.silent != town.silent:
        yield f"no invitations for {sight.silent} instead of {town.silent}"
    must = [one for one in town.letters if postbox.wanted(town, one) == "must"]
    yield from (f"not posted: {one}" for one in Counter(map(plain, must)) - sight.letters)
    for secret, whose in secrets.items():
        answer, right = gate.judge(secret).reason, town.gate(*whose)
        if answer not in right:
            yield f"the gate says {answer} to {whose}, instead of {right}"
