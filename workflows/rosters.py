"""Rosters: many members of an organization by their ids, and what a rule says of each.

What would surprise a reader: ten thousand people are not made into objects. A rule that lets one
of them pass lets all pass who are alike to it; only who is refused is looked at, for the name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from workflows import memberships
from workflows.accounts import Account
from workflows.engine import cohorts, refusals, sets
from workflows.engine.db import db
from workflows.memberships import Membership
from workflows.organizations import Organization

Roster = Mapping[int, str]  # the state of each membership, by its id


def read(organization: Organization, ids: Collection[int]) -> Roster:
    """These, as far as they belong here, in their order."""
    states: Any = select(Membership.id, Membership.state)
    return _listed(ids, dict(sets.read(states.where(_here(organization, ids)))))


def hold(organization: Organization, ids: Collection[int], *, by: Account) -> Roster:
    """The same, held with the own membership, for an admin."""
    own = memberships.require_admin(by, organization)
    held = cohorts.hold_states(Membership, _here(organization, [*ids, own.id]))
    db.session.expire(own)
    memberships.require_admin(by, organization)  # who may have been made a member before we held it
    return _listed(ids, held)


def members(ids: Collection[int]) -> list[Membership]:
    """These as the database has them now, with their accounts, in their order."""
    known = joinedload(Membership.account, innerjoin=True)
    rows = select(Membership).where(sets.among(Membership.id, ids)).options(known)
    fresh = db.session.scalars(rows, execution_options={"populate_existing": True})
    found = {one.id: one for one in fresh}
    return [found[one] for one in ids if one in found]


def why_not_each(
    rule: Callable[[Membership], Any], people: Roster, sees: Callable[[int], Any]
) -> dict[int, str]:
    """What a rule says against some of these, by their ids, if it sees this beside the state."""
    groups: defaultdict[Any, list[int]] = defaultdict(list)
    for one, state in people.items():
        groups[state, sees(one)].append(one)
    refused: dict[int, str] = {}
    for first, *others in groups.values():
        if said := refusals.why_not_each(rule, members([first])):
            refused |= said | refusals.why_not_each(rule, members(others))
    return refused


def _here(organization: Organization, ids: Collection[int]) -> Any:
    return (Membership.organization_id == organization.id) & sets.among(Membership.id, ids)


def _listed(ids: Collection[int], states: Mapping[int, str]) -> Roster:
    return {one: states[one] for one in ids if one in states}
