"""Chronicles: what happened in an organization, as far as one of its members may see it. Read only.

What would surprise a reader: an action is cut to its reader. Admins see all of it; everybody else
sees what they did themselves, and of what others did only the steps of their own rows, so that an
invitation sent to many tells nobody the other addresses.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, or_, select, true

from workflows import mentions
from workflows.accounts import Account
from workflows.engine import excerpts, heaps, history
from workflows.engine.db import db
from workflows.engine.history import Action, Step
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.moves import Move
from workflows.places import Place
from workflows.tokens import Token

NAMED = (  # what pages name
    "memberships", "tokens", "places", "invitations", "handovers", "subscriptions",
)  # fmt: skip
SUBJECTS = {  # what actions are about: the workflows whose commands they are
    "invitations": (
        "invitations", "guest_lists", "mailshots", "replies", "corrections", "moves", "arrivals",
    ),
    "members": ("roles", "departures", "arrivals", "account_closures", "errands", "exports"),
    "seats": ("seats", "seat_blocks", "waitlist"),
    "tokens": ("tokens", "restitutions"),
    "subscriptions": (
        "subscriptions", "renewals", "cancellations", "cards", "settlements", "billing_contacts",
    ),
    "organization": (
        "organizations", "handovers", "appointments", "logos", "setups", "closures",
    ),
}  # fmt: skip
MOST_OF_A_REQUEST = 20


@dataclass(frozen=True)
class Entry:
    """An action with those of its steps that the reader may see, and whom these are about."""

    action: Action
    steps: Sequence[Step]
    by: str | None  # None: the clock
    members: list[str]  # names: of many the first few, as for addresses
    addresses: list[str]  # of invitations
    bills: list[str]
    numbers: Mapping[str, int]  # how many rows of each table it moved

    @property
    def how_many_members(self) -> int:
        kinds = ("memberships", "tokens", "places", "handovers")
        return max(self.numbers.get(kind, 0) for kind in kinds)

    @property
    def how_many_addresses(self) -> int:
        return self.numbers.get("invitations", 0) or self.numbers.get("moves", 0)


@dataclass(frozen=True)
class Search:
    """What somebody looks for. An empty field asks for everything."""

    about: str = ""  # one of SUBJECTS
    who: str = ""  # part of the name of who did it
    since: date | None = None
    until: date | None = None  # that day included


EVERYTHING = Search()


def of(
    membership: Membership, before: int | None = None, limit: int = 50, search: Search = EVERYTHING
) -> list[Entry]:
    """The newest actions, or those before action id `before`, that this member may see."""
    own = None if membership.state == "admin" else _of(rows_of(membership))
    mine = Action.by_id == membership.account_id
    wanted = _wanted(search)
    if own is not None:
        wanted.append(or_(mine, Action.id.in_(select(Step.action_id).where(own))))
    only = and_(true(), *wanted)
    actions = history.of_organization(membership.organization_id, before, limit, only)
    return _entries(actions, *_moved(actions, own, membership.account_id))


def _wanted(search: Search) -> list[Any]:
    wanted = []
    if search.about:
        wanted.append(or_(*(Action.event.startswith(f"{one}.") for one in SUBJECTS[search.about])))
    if search.who:
        named = Account.name.icontains(search.who, autoescape=True)
        wanted.append(Action.by_id.in_(select(Account.id).where(named)))
    if search.since:
        wanted.append(Action.at >= datetime.combine(search.since, time(), UTC))
    if search.until:
        wanted.append(Action.at < datetime.combine(search.until + timedelta(days=1), time(), UTC))
    return wanted


def _moved(
    actions: Sequence[Action], own: Any, account_id: int
) -> tuple[list[Step], dict[int, Mapping[str, int]]]:
    """What a page of these says they moved: some steps of each, and how many there are.

    Others' actions are cut to one's `own` rows, which are found by themselves: an action of
    thousands, of which one is ours, is not read through.
    """
    whole = [one.id for one in actions if own is None or one.by_id == account_id]
    heaped = heaps.of(whole)
    here = Step.action_id.in_([one for one in whole if one not in heaped])
    steps = [*excerpts.few(here), *excerpts.firsts(heaped, NAMED)]
    numbers = {**excerpts.numbers(here), **heaped}
    if own is not None:
        others = (one.id for one in actions if one.by_id != account_id)
        ours = own & (Step.action_id + 0).in_(list(others))  # + 0: not by the action's index
        steps, numbers = [*steps, *excerpts.few(ours)], {**numbers, **excerpts.numbers(ours)}
    return sorted(steps, key=lambda step: step.id), numbers


def rows_of(membership: Membership) -> dict[str, Any]:
    """The ids, by table, of all that is a person's in this organization.

    Not of seats: a seat is somebody else's before and after, and never moves without a token.
    """
    organization_id, account = membership.organization_id, membership.account
    own = select(Membership.id).filter_by(organization_id=organization_id, account_id=account.id)
    asked = or_(Invitation.membership_id.in_(own), Invitation.email_key == account.email_key)
    invited = select(Invitation.id).filter_by(organization_id=organization_id).where(asked)
    held = select(Token.id).where(Token.membership_id.in_(own))
    waited = select(Place.id).where(Place.membership_id.in_(own))
    return {"memberships": own, "invitations": invited, "tokens": held, "places": waited}


def all_rows_of(membership: Membership) -> dict[str, Any]:
    """The same, with the ownership that they were offered, given, or gave: for operators."""
    rows, here = rows_of(membership), Handover.organization_id == membership.organization_id
    own = rows["memberships"]
    either = or_(Handover.owner_id.in_(own), Handover.chosen_id.in_(own))
    return rows | {"handovers": select(Handover.id).where(here, either)}


def rows_of_address(invitation: Invitation) -> dict[str, Any]:
    """The ids of all invitations to this address in this organization, and of their moves."""
    known = {"organization_id": invitation.organization_id, "email_key": invitation.email_key}
    asked = select(Invitation.id).filter_by(**known)
    return {"invitations": asked, "moves": select(Move.id).where(Move.invitation_id.in_(asked))}


def about(rows: dict[str, Any]) -> list[Entry]:
    """Everything that moved these rows, cut to them, newest first."""
    steps = db.session.scalars(select(Step).where(_of(rows)).order_by(Step.id)).all()
    ids = {step.action_id for step in steps}
    actions = select(Action).where(Action.id.in_(ids)).order_by(Action.id.desc())
    return _entries(db.session.scalars(actions).all(), steps, excerpts.numbers(_of(rows)))


def lately(organization_id: int, limit: int) -> list[Entry]:
    """The newest of all that happened in an organization, for operators."""
    actions = history.of_organization(organization_id, limit=limit)
    return _entries(actions, *_moved(actions, None, 0))


def of_request(request_id: str) -> list[Entry]:
    """What the request with this id did, newest first."""
    mine = select(Action).filter_by(request_id=request_id).order_by(Action.id.desc())
    actions = db.session.scalars(mine.limit(MOST_OF_A_REQUEST)).all()
    return _entries(actions, *_moved(actions, None, 0))


def first_steps(entries: Collection[Entry], limit: int) -> Sequence[Step]:
    """The first rows that these moved, however many there are."""
    steps = select(Step).where(Step.action_id.in_([entry.action.id for entry in entries]))
    return db.session.scalars(steps.order_by(Step.id).limit(limit)).all()


def _of(rows: dict[str, Any]) -> Any:
    """Whether a step is one of these rows'."""
    return or_(*(and_(Step.kind == kind, Step.row_id.in_(ids)) for kind, ids in rows.items()))


def _entries(
    actions: Sequence[Action], steps: Sequence[Step], numbers: Mapping[int, Mapping[str, int]]
) -> list[Entry]:
    by_ids = {action.by_id for action in actions if action.by_id}
    names = dict(db.session.execute(_names(by_ids)).all())
    members, addresses = mentions.members(steps), mentions.addresses(steps)
    bills = mentions.bills(steps)
    of_action: dict[int, list[Step]] = {action.id: [] for action in actions}
    for step in steps:
        of_action[step.action_id].append(step)
    return [
        Entry(
            action, mine := of_action[action.id], names.get(action.by_id),
            mentions.found(members, mine), mentions.found(addresses, mine),
            mentions.found(bills, mine),
            numbers.get(action.id, {}),
        )
        for action in actions
    ]  # fmt: skip


def _names(account_ids: Collection[int]) -> Any:
    return select(Account.id, Account.name).where(Account.id.in_(account_ids))
