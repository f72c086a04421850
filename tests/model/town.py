"""Usher as its specification tells it: dictionaries and lists, with nothing of Usher's own in them.

It was written from the specification alone and is a second opinion on what each command should do.
Times are hours since the beginning, persons go by their first address, `No` names each refusal
that the specification leaves open; "allowed" among them means that doing nothing is right as well.
"""

import calendar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

HOURS = (0, 1, 24)  # how long an old secret may still work
DAYS = (1, 7, 14)  # for which an invitation may be good
RESERVED = ("login", "status")
KEEPERS = ("admin", "billing_admin")
OWED = ("past_due", "suspended")
LIVE = ("active", "canceling", *OWED)
KEPT = 30 * 24  # hours for which seats and tokens outlive their subscription
GRACE = 14 * 24  # hours for which what is past due works on
NEVER = float("inf")


class No(Exception):
    """Refused, and nothing was changed."""

    def __init__(self, *kinds):
        super().__init__(" or ".join(kinds))
        self.kinds = frozenset(kinds)


def unless(condition, *kinds):
    if not condition:
        raise No(*kinds)


@dataclass
class Token:
    state: str = "inactive"
    generation: int = 0
    ends: dict[int, float] = field(default_factory=dict)  # of each superseded generation
    reasons: set[str] = field(default_factory=set)  # why it is dead
    mailed: int = 0  # when its newest letter was posted or left, as the town counts

    @property
    def alive(self):
        return self.state != "revoked"


@dataclass
class Member:
    person: str
    role: str = "member"
    seated: bool = False
    tokens: list[Token] = field(default_factory=list)

    @property
    def active(self):
        return self.role not in ("left", "removed")


@dataclass
class Invitation:
    email: str
    inviter: str
    expires: float
    state: str = "sent"
    round: int = 1
    handed_over: bool = False
    kept_back: bool = False  # from a mailbox that wants none
    member: Member | None = None
    seat: bool = False  # whoever accepts gets one, or a place in line
    word: str = ""
    asked: bool = False  # for a new link


@dataclass
class Move:
    """Of an invitation, to somebody logged in with another address."""

    invitation: Invitation
    person: str
    state: str = "asked"


@dataclass
class Place:
    """Of somebody who waits for a seat."""

    member: Member
    state: str = "asked"
    word: str = ""
    answer: str = ""


@dataclass
class Subscription:
    seats: int
    state: str = "incomplete"
    ends: float = NEVER  # when what was paid for is over
    word: str = ""  # why it was canceled
    card: str = ""  # its last digits
    day: int = 0  # of the month, on which bills come
    owed: float = NEVER  # since when the card does not pay
    again: float = NEVER  # when it is asked once more
    kept: int = 0  # seats that outlive it
    kept_until: float = NEVER


@dataclass
class Offer:
    """Of ownership, by the owner to another admin."""

    owner: Member
    chosen: Member
    expires: float
    state: str = "offered"


@dataclass
class Organization:
    name: str
    members: list[Member]  # the founder first
    owner: Member
    offers: list[Offer] = field(default_factory=list)
    closed: bool = False
    invitations: list[Invitation] = field(default_factory=list)
    days: int = 14
    subscriptions: list[Subscription] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    line: list[Place] = field(default_factory=list)  # those who are queued, the first first

    @property
    def offer(self):
        return next((one for one in self.offers if one.state == "offered"), None)

    def member(self, person):
        return next((one for one in self.members if one.person == person and one.active), None)

    def require(self, person, *roles):
        """A stranger sees nothing, nor does anybody once it is closed; a member what they may."""
        mine = self.member(person)
        unless(mine and not self.closed, "NotFound")
        unless(not roles or mine.role in roles, "NotAllowed")
        return mine

    @property
    def live(self):
        """What is paid for."""
        return next((one for one in self.subscriptions if one.state in LIVE), None)

    @property
    def ended(self):
        """What has ended and leaves seats for a while."""
        return next((one for one in self.subscriptions if one.kept_until < NEVER), None)

    @property
    def bought(self):
        return self.live.seats if self.live else self.ended.kept if self.ended else 0

    @property
    def used(self):
        return sum(one.seated for one in self.members)

    @property
    def free(self):
        return self.bought - self.used

    def place_of(self, member):
        """Where somebody waits for a seat."""
        mine = (one for one in self.places if one.member is member)
        return next((one for one in mine if one.state in ("asked", "queued")), None)

    def sent_to(self, email):
        sent = (one for one in self.invitations if (one.email, one.state) == (email, "sent"))
        return next(sent, None)


@dataclass
class Change:
    """Of a person's address, and until when something can be done about it."""

    person: str
    email: str
    old: str
    ends: float
    state: str = "asked"
    confirmed: int = 0  # when, as the town counts

    def end(self, state):
        """What is over keeps no address."""
        self.state, self.email, self.old = state, "", ""


@dataclass(frozen=True)
class Letter:
    """A letter that waits: about an invitation or a token, in a round or of a generation."""

    template: str
    place: str  # the organization's ID
    about: tuple[int, ...]  # which invitation; or which member, and which of the member's tokens
    number: int = 0


@dataclass
class Town:
    """All that Usher knows, and what of it can be seen."""

    people: dict[str, str | None]  # each who ever had an account, and their address, in order
    beginning: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    now: float = 0
    organizations: dict[str, Organization] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)  # mailboxes that want no invitations
    changes: list[Change] = field(default_factory=list)
    count: int = 0  # of what came after what

    def person_at(self, email):
        """Whose address it is now."""
        return next((one for one, address in self.people.items() if address == email), None)

    def address(self, by):
        """Of a person, or of somebody without an account, who goes by it."""
        return self.people.get(by, by)

    def newcomer(self, email):
        """An account for this address, where none has it; answers the new person."""
        known = sum(one.partition(" ")[0] == email for one in self.people)
        person = f"{email} {known + 1}" if known else email
        self.people[person] = email
        return person

    def member_at(self, place, email):
        person = self.person_at(email)
        return self.organizations[place].member(person) if person else None

    def at(self, place, number):
        return self.organizations[place].invitations[number]

    def of(self, place, number):
        return self.organizations[place].members[number]

    def next(self):
        self.count += 1
        return self.count

    def post(self, template, place, *about, number=0):
        self.letters.append(Letter(template, place, about, number))

    def goes_on(self, hours):
        """Time passes, a little more where something would end at this very moment."""
        self.now = round(self.now + hours, 1)
        while any(abs(end - self.now) < 0.1 for end in (*self._ends(), *self._extensible())):
            self.now = round(self.now + 0.2, 1)

    def day(self):
        """Of the month, today."""
        return (self.beginning + timedelta(hours=self.now)).day

    def a_month_later(self, than, day):
        """That day of the month after, or the last day of that month."""
        start = self.beginning + timedelta(hours=than)
        year, month = start.year + start.month // 12, start.month % 12 + 1
        last = calendar.monthrange(year, month)[1]
        later = start.replace(year=year, month=month, day=min(day, last))
        return (later - self.beginning) / timedelta(hours=1)

    def next_end(self):
        """How long until something ends; a day where nothing does."""
        return round(min((end - self.now for end in self._ends() if end > self.now), default=24), 1)

    def _ends(self):
        yield from (one.ends for one in self.changes if one.state in ("asked", "confirmed"))
        for organization in self.organizations.values():
            sent = (one for one in organization.invitations if one.state == "sent")
            yield from (one.expires for one in sent)
            yield from (one.expires for one in organization.offers if one.state == "offered")
            live = [one for one in organization.subscriptions if one.state in LIVE]
            yield from (one.ends for one in live)
            yield from (self.a_month_later(one.ends, one.day) for one in live)
            yield from (one.again for one in live if one.again < NEVER)
            yield from (one.kept_until for one in organization.subscriptions if one.kept)
            tokens = (token for one in organization.members for token in one.tokens)
            yield from (end for token in tokens for end in token.ends.values())

    def _extensible(self):
        """When an invitation could first be given a day more, however long they are good for."""
        sent = (one for org in self.organizations.values() for one in org.invitations)
        return (one.expires - 24 * (days - 1) for one in sent for days in DAYS)

    def gate(self, place, number, which, generation):
        """Each answer that is right for this secret: None lets it pass."""
        if self.organizations[place].closed:
            return {"organization_closed"}
        token = self.of(place, number).tokens[which]
        over = {"superseded"} if token.ends.get(generation, NEVER) <= self.now else set()
        live = self.organizations[place].live
        ended = {"subscription_ended"} if self.organizations[place].ended else set()
        ended |= {"subscription_suspended"} if live and live.state == "suspended" else set()
        if token.alive:
            return (over | ended) or {None}
        return token.reasons | over | ended
