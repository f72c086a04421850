"""Deeds: what an admin can do to many people at once, each with the rules of the single command."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from workflows import departures, mailshots, rosters, seat_blocks, waitlist
from workflows.accounts import Account
from workflows.drawings import Subject
from workflows.engine import cohorts, sets
from workflows.engine.db import db
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization

MANY = 1000  # ids in one statement
Refusals = dict[int, str]
Foresight = Callable[[Organization, Sequence[int], int, Account], Refusals]


@dataclass(frozen=True)
class Deed:
    """What is done to many: under which name it is written down, to which kind of row, and how."""

    command: str
    kind: type[Membership] | type[Invitation]
    do: Callable[..., Refusals]
    foresee: Foresight  # the organization, ids, how many before them it is done to, and by whom
    became: Callable[[Organization, Sequence[int]], Refusals] | None = (
        None  # if not the same to all
    )


DEEDS = {
    "assign": Deed(
        "seat_blocks.assign", Membership, seat_blocks.assign,
        lambda place, ids, before, _: seat_blocks.may_not_assign(
            place, rosters.read(place, ids), before
        ),
    ),
    "line-up": Deed(
        "waitlist.line_up_all", Membership, waitlist.line_up_all,
        lambda place, ids, *_: waitlist.may_not_line_up(place, rosters.read(place, ids)),
        waitlist.became,
    ),
    "revoke-seat": Deed(
        "seat_blocks.revoke", Membership, seat_blocks.revoke,
        lambda place, ids, *_: seat_blocks.may_not_revoke(place, rosters.read(place, ids)),
    ),
    "resend": Deed(
        "mailshots.resend", Invitation, mailshots.resend,
        lambda place, ids, _, by: mailshots.may_not_resend(_asked(place, ids), by=by),
    ),
    "revoke": Deed(
        "mailshots.revoke", Invitation, mailshots.revoke,
        lambda place, ids, _, by: cohorts.refused(_asked(place, ids), "revoke", by=by),
    ),
    "remove": Deed(
        "departures.remove_all", Membership, departures.remove_all,
        lambda place, ids, _, by: cohorts.refused(
            rosters.members(rosters.read(place, ids)), "remove", by=by
        ),
    ),
}  # fmt: skip


def of_organization(organization: Organization, subjects: Sequence[Subject]) -> list[Subject]:
    """Those of these who belong to the organization: nobody asks about anybody else's people."""
    known: set[Subject] = set()
    for start in range(0, len(subjects), MANY):
        some = subjects[start : start + MANY]
        members = _ids(Membership, organization, [member for member, _ in some if member])
        asked = _ids(Invitation, organization, [one for _, one in some if one])
        known |= {(one, None) for one in members} | {(None, one) for one in asked}
    return [one for one in subjects if one in known]


def _ids(kind: Any, organization: Organization, ids: Collection[int]) -> Sequence[int]:
    here = select(kind.id).where(kind.organization_id == organization.id, sets.among(kind.id, ids))
    return db.session.scalars(here).all()


def do(
    deed: Deed, organization: Organization, subjects: Sequence[Subject], *, by: Account
) -> dict[Subject, str]:
    """Do it to all of these to whom it can be done; answers why it cannot to the others."""
    ids = [one for subject in subjects if (one := _of_kind(deed, subject))]
    refused = deed.do(organization, ids, by=by)
    return _named(deed, refused) | _of_another_kind(deed, subjects)


def became(deed: Deed, organization: Organization, done: Sequence[Subject]) -> dict[Subject, str]:
    """What came of it for each of these to whom it was done, where not the same did for all."""
    if deed.became is None:
        return {}
    said = deed.became(organization, [one for subject in done if (one := _of_kind(deed, subject))])
    return {one: words for one in done if (words := said.get(_of_kind(deed, one) or 0))}


def foresee(
    deed: Deed, organization: Organization, subjects: Sequence[Subject], before: int, *, by: Account
) -> dict[Subject, str]:
    """What `do` would answer, when it is done to so many others `before` these."""
    ids = [one for subject in subjects if (one := _of_kind(deed, subject))]
    refused = deed.foresee(organization, ids, before, by)
    return _named(deed, refused) | _of_another_kind(deed, subjects)


def _of_kind(deed: Deed, subject: Subject) -> int | None:
    member, invitation = subject
    return member if deed.kind is Membership else invitation


def _asked(organization: Organization, ids: Sequence[int]) -> list[Invitation]:
    here = Invitation.organization_id == organization.id, sets.among(Invitation.id, ids)
    found = {one.id: one for one in db.session.scalars(select(Invitation).where(*here))}
    return [found[one] for one in ids if one in found]


def _named(deed: Deed, refused: Refusals) -> dict[Subject, str]:
    """The same sentence for all alike: {name} stands for the person's, which may change."""
    if deed.kind is Invitation:
        return {(None, one): sentence for one, sentence in refused.items()}
    names = _names(refused)
    return {(one, None): said.replace(names[one], "{name}") for one, said in refused.items()}


def _names(ids: Collection[int]) -> dict[int, str]:
    named: Any = select(Membership.id, Account.name).join(Account)
    return dict(db.session.execute(named.where(sets.among(Membership.id, ids))).all())


def _of_another_kind(deed: Deed, subjects: Sequence[Subject]) -> dict[Subject, str]:
    """Why it cannot be done to those it is not meant for."""
    if deed.kind is Invitation:
        return {one: "{name} is a member already." for one in subjects if one[0]}
    ids = [one for _, one in subjects if one]
    asked = select(Invitation).where(sets.among(Invitation.id, ids))
    return {(None, one.id): one.no_arrow("seat") for one in db.session.scalars(asked)}
