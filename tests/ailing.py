"""Every way to be stuck or to wait, brought about in a database: so many rows of each.

What would surprise a reader: what the code cannot bring about is written into the tables by hand,
as a restore that was not whole would, or a worker that died.
"""

from datetime import timedelta
from itertools import count

from sqlalchemy import delete, update

from workflows import accounts as accounts_
from workflows import (
    arrivals,
    cases,
    errands,
    handovers,
    roles,
    seats,
    stuck,
    subscriptions,
    tokens,
    waitlist,
)
from workflows.cases import Case
from workflows.engine import heartbeats, outbox, readings, tallies
from workflows.engine.db import command, db, now
from workflows.engine.heartbeats import Heartbeat
from workflows.engine.letters import Attempt, Letter
from workflows.invitations import Invitation
from workflows.places import Place
from workflows.seats import Seat
from workflows.tokens import Token

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
numbers = count(1)


@command
def change(kind, ids, **columns):
    db.session.execute(update(kind).where(kind.id.in_(list(ids))).values(**columns))


class Ward:
    """Organizations with people in them, for rows to fall ill."""

    def __init__(self, cast):
        self.cast = cast
        self.owner = cast.account("Owner", "owner@ward.test")

    def organization(self, seats=0):
        return self.cast.organization(self.owner, f"Ward {next(numbers)}", seats=seats)

    def invited(self, many):
        """Invitations whose letters wait."""
        place = self.organization()
        names = [f"asked{next(numbers)}@ward.test" for _ in range(many)]
        return [self.cast.invitation(place, name, by=self.owner) for name in names]

    def joined(self, many, seats=0):
        place = self.organization(seats)
        return [self._join(place) for _ in range(many)]

    def _join(self, place):
        address = f"member{next(numbers)}@ward.test"
        key = {"name": "Member", "email": address, "email_key": address, "password_hash": "x"}
        account = command(accounts_.Account.begin)(by=None, **key)
        invitation = self.cast.invitation(place, address, by=self.owner)
        return arrivals.accept(invitation, by=account)

    def seated(self, many):
        """Living tokens, not active yet."""
        members = self.joined(many, seats=many)
        for member in members:
            seats.assign(member, by=self.owner)
        self.cast.deliver()
        return [tokens.of(member) for member in members]

    def active(self, many):
        made = self.seated(many)
        for token in made:
            tokens.activate(token, by=token.membership.account)
        return made

    def letters(self, many):
        """Letters of invitations that nobody has answered."""
        ids = [invitation.id for invitation in self.invited(many)]
        wanted = db.select(Letter.id).where(Letter.template == "invitation")
        return list(db.session.scalars(wanted.where(Letter.about_id.in_(ids))))


def letter_late(ward, many):
    ids = ward.letters(many)
    change(Letter, ids, due_at=now() - HOUR)
    return ids


def letter_lapsed(ward, many):
    ids = ward.letters(many)
    claimed(ids, 1)
    return ids


def claimed(ids, times, outcome=None):
    """Taken by workers of which nothing was heard."""
    gone = {"state": "sending", "lease": times, "lost": times - 1, "attempts": times}
    change(Letter, ids, lease_until=now() - HOUR, **gone)
    attempts(ids, times, outcome)


@command
def attempts(ids, times, outcome=None):
    for one in ids:
        for lease in range(1, times + 1):
            row = {"letter_id": one, "lease": lease, "worker": "gone:1:1", "at": now() - HOUR}
            db.session.add(Attempt(outcome=outcome, **row))


def letter_poison(ward, many):
    ids = ward.letters(many)
    claimed(ids, 3)
    return ids


def letter_retrying(ward, many):
    ids = ward.letters(many)
    reply = {"reply": "451 4.7.1 Greylisted", "cause": "451 4.7.1 Greylisted"}
    change(Letter, ids, posted_at=now() - 3 * HOUR, due_at=now() + HOUR / 2, attempts=4, **reply)
    return ids


def letter_unwritable(ward, many):
    ids = ward.letters(many)
    reply = "Usher cannot write this letter: KeyError."
    change(Letter, ids[: many // 2], due_at=now() + HOUR / 2, attempts=1, reply=reply)
    change(Letter, ids[many // 2 :], state="dead", attempts=9, reply=reply)
    return ids


def letter_dead(ward, many):
    ids = ward.letters(many)
    change(Letter, ids, state="dead", attempts=70, reply="timed out", posted_at=now() - 4 * DAY)
    return ids


def letter_bounced(ward, many):
    ids = ward.letters(many)
    change(Letter, ids, state="bounced", attempts=1, reply="550 No", domain="ward.test")
    return ids


def letter_doubled(ward, many):
    ids = ward.letters(many)
    ward.cast.deliver()
    change(Attempt, attempts_of(ids), lease=9)
    attempts(ids, 1)
    return ids


def attempts_of(ids):
    return db.session.scalars(db.select(Attempt.id).where(Attempt.letter_id.in_(ids))).all()


def invitation_unmailed(ward, many):
    ids = [invitation.id for invitation in ward.invited(many)]
    unmail("invitation", ids)
    change(Invitation, ids, since=now() - HOUR)
    return ids


@command
def unmail(template, about):
    which = Letter.template == template, Letter.about_id.in_(about)
    lost = db.select(Letter.id).where(*which)
    db.session.execute(delete(Attempt).where(Attempt.letter_id.in_(lost)))
    db.session.execute(delete(Letter).where(*which))


def seat_unmailed(ward, many):
    ids = [token.id for token in ward.seated(many)]
    unmail("seat_assigned", ids)
    change(Token, ids, since=now() - HOUR)
    return ids


def token_unminted(ward, many):
    ids = [token.id for token in ward.active(many)]
    unmail("token", ids)
    change(Token, ids, since=now() - HOUR)
    return ids


def invitation_contradicted(ward, many):
    members = ward.joined(many, seats=many)
    ward.cast.deliver()
    of = db.select(Invitation.id).where(Invitation.membership_id.in_([m.id for m in members]))
    ids = db.session.scalars(of).all()
    for member in members:
        seats.assign(member, by=ward.owner)
    ward.cast.deliver()
    change(Invitation, ids, state="accepted")
    return ids


def seat_tokenless(ward, many):
    made = ward.seated(many)
    ids, lost = [token.seat_id for token in made], [token.id for token in made]
    change(Token, lost, state="revoked", seat_id=None)
    change(Seat, ids, since=now() - HOUR)
    return ids


def line_still(ward, many):
    """A seat that came into the table by hand, beside somebody in line."""
    return [_line(ward) for _ in range(many)]


def _line(ward):
    first, second = ward.joined(2, seats=1)
    seats.assign(first, by=ward.owner)
    waitlist.line_up(second, by=ward.owner)
    ward.cast.deliver()
    place = first.organization_id
    add_a_seat(place)
    change(Place, db.session.scalars(db.select(Place.id)).all(), since=now() - HOUR)
    return place


@command
def add_a_seat(place):
    long_ago = now() - HOUR
    db.session.add(Seat(organization_id=place, state="free", since=long_ago))
    tallies.add(place, {seats.BOUGHT: 1})


def errand_given_up(ward, many):
    """Nobody got the seat that the errand was for, as its process died each time."""
    members = ward.joined(many, seats=many)
    ids = [_errand(ward, member) for member in members]
    ward.cast.deliver()
    theirs = db.select(Case.id).where(Case.errand_id.in_(ids))
    refused = {"outcome": "refused", "sentence": cases.GAVE_UP}
    change(Case, db.session.scalars(theirs).all(), **refused)
    return ids


def _errand(ward, member):
    errand = errands.prepare(member.organization, "assign", [(member.id, None)], by=ward.owner)
    errands.begin(errand, by=ward.owner)
    seats.revoke(member, by=ward.owner)
    return errand.id


def organization_unreachable(ward, many):
    """The mailbox of each owner is gone, and there is no other admin."""
    ward.cast.deliver()
    places = [_founded(ward) for _ in range(many)]
    refuse_all()
    return [place.id for place in places]


def _founded(ward):
    """An organization whose owner is sent the receipt of a purchase."""
    number = next(numbers)
    address = f"gone{number}@ward.test"
    key = {"name": "Gone", "email": address, "email_key": address, "password_hash": "x"}
    owner = command(accounts_.Account.begin)(by=None, **key)
    return ward.cast.organization(owner, f"Ward {number}", seats=1)


def refuse_all():
    """A mail server that knows none of those to whom letters wait."""
    for claim in outbox.claim(100, "test"):
        outbox.bounced(claim, "550 5.1.1 No such mailbox", outbox.compose(claim).to)


def process_silent(ward, many):
    return beats(many, at=now() - HOUR)


@command
def beats(many, **more):
    moment = now()
    kept = {"version": heartbeats.code_version(), "since": moment - 2 * HOUR, "at": moment}
    kept |= {"skew": 0.0}
    rows = [Heartbeat(kind="web", host=f"host-{next(numbers)}", **kept | more) for _ in range(many)]
    db.session.add_all(rows)
    db.session.flush()
    return [row.id for row in rows]


def queue_unheard(ward, many):
    return beats(many, trouble="it is away (ConnectionError)")


def version_mixed(ward, many):
    change(Heartbeat, [row.id for row in heartbeats.heard()], since=now() - 2 * HOUR)
    return beats(many, version="0ldc0de0", since=now() - 9 * HOUR)


def clock_skewed(ward, many):
    return beats(many, skew=-7.5)


def job_undone(ward, many):
    readings.keep("jobs", {f"job_{number}": "KeyError" for number in range(many)})
    return list(range(-many, 0))


def impossible(ward, many):
    readings.keep("invariants", {f"what cannot be {number}": 1 for number in range(many)})
    return list(range(-many, 0))


def invitation_unanswered(ward, many):
    ids = [invitation.id for invitation in ward.invited(many)]
    ward.cast.deliver()
    return ids


def invitation_expired(ward, many):
    asked = ward.invited(many)
    ward.cast.deliver()
    for invitation in asked:
        command(invitation.fire)("expire", by=None)
    return [invitation.id for invitation in asked]


def _invitations_of(members):
    mine = Invitation.membership_id.in_([member.id for member in members])
    return list(db.session.scalars(db.select(Invitation.id).where(mine)))


def member_unseated(ward, many):
    members = ward.joined(many, seats=many)
    ward.cast.deliver()
    return _invitations_of(members)


def member_seatless(ward, many):
    members = ward.joined(many)
    ward.cast.deliver()
    return _invitations_of(members)


def token_inactive(ward, many):
    return [token.id for token in ward.seated(many)]


def token_unused(ward, many):
    made = ward.active(many)
    ward.cast.deliver()
    return [token.id for token in made]


def seat_asked(ward, many):
    members = ward.joined(many)
    for member in members:
        waitlist.ask(member, by=member.account)
    ward.cast.deliver()
    return [member.id for member in members]


def seat_queued(ward, many):
    members = ward.joined(many)
    for member in members:
        waitlist.line_up(member, by=ward.owner)
    ward.cast.deliver()
    return [member.id for member in members]


def purchase_unpaid(ward, many):
    places = [ward.organization() for _ in range(many)]
    return [subscriptions.begin(place, 3, "monthly", by=ward.owner).id for place in places]


def subscription_unpaid(ward, many):
    bought = [subscriptions.live(ward.organization(seats=1)) for _ in range(many)]
    ward.cast.deliver()
    for one in bought:
        command(one.fire)("fall_due", by=None)
    return [one.id for one in bought]


def ownership_offered(ward, many):
    ids = []
    for _ in range(many):
        [member] = ward.joined(1)
        roles.make_admin(member, by=ward.owner)
        ids.append(handovers.offer(member, by=ward.owner).id)
    ward.cast.deliver()
    return ids


def sign_up_unconfirmed(ward, many):
    addresses = [f"new{next(numbers)}@ward.test" for _ in range(many)]
    waiting = [accounts_.remember_sign_up("New", one, one, "x") for one in addresses]
    ward.cast.deliver()
    return [one.id for one in waiting]


SEEDS = {name: globals()[name.replace("-", "_")] for name in stuck.BY_NAME}
