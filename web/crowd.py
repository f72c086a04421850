"""A crowd for the demo and the benchmarks: an organization as large as one wishes, written in sets.

What would surprise a reader: only here are rows written past the commands, since twenty thousand
people who sign up and answer one by one would take an hour. They are rows that the commands could
have made, with a history of their own, and the database checks them like any others.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from workflows import seats
from workflows.accounts import Account
from workflows.engine import heaps, history, tallies
from workflows.engine.db import command, db, now
from workflows.engine.history import Step
from workflows.engine.letters import Attempt, Letter
from workflows.invitations import OPEN, Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.seats import Seat
from workflows.tokens import Generation, Token
from workflows.verdicts import Verdict

TOGETHER = 1000  # people written in one go
FIRST = ("Ada", "Bo", "Chi", "Dara", "Eli", "Fay", "Gil", "Hana", "Ivo", "Jun", "Kai", "Lea")
LAST = ("Abara", "Berg", "Castro", "Duarte", "Eriksen", "Fujita", "Gruber", "Haddad", "Ito",
        "Jansen", "Kovacs", "Lindholm", "Moreau", "Novak", "Okafor", "Petrov", "Rossi", "Sato",
        "Tanaka", "Ueda", "Varga", "Weber", "Yilmaz", "Zhang")  # fmt: skip
# What becomes of the people of a crowd, again and again in this order; with a seat if one is free.
FATES = ("active", "seated", "active", "accepted", "active", "sent", "active", "seated", "expired")
SEAT: Any = Seat.__table__
Fates = list[tuple[int, str]]


def gather(organization: Organization, number: int, domain: str, *, by: Account) -> None:
    """Bring so many people into the organization, in every state."""
    fates = enumerate(islice(cycle(FATES), number))
    while some := list(islice(fates, TOGETHER)):
        _bring(organization, some, domain, by=by)


@command
def _bring(organization: Organization, fates: Fates, domain: str, *, by: Account) -> None:
    action = history.note(organization.id, by=by)
    db.session.flush()
    batch = _Batch(organization.id, action.id, now(), domain, by)
    batch.invite([(number, fate) for number, fate in fates if fate in OPEN])
    batch.welcome([(number, fate) for number, fate in fates if fate not in OPEN])


@dataclass(frozen=True)
class _Batch:
    """Some people of one organization, written together."""

    organization_id: int
    action_id: int
    moment: datetime
    domain: str
    by: Account

    def invite(self, fates: Fates) -> None:
        """Ask these addresses; the time of some is over."""
        asked = self._begin(Invitation, [self._asked(number, state) for number, state in fates])
        self._mailed("invitation", asked, generation=1)

    def _asked(self, number: int, state: str) -> dict[str, Any]:
        days = number % 13 + 1
        ends = self.moment + timedelta(days=days if state == "sent" else -days)
        about = {"email": self._address(number), "email_key": self._address(number)}
        here = {"organization_id": self.organization_id, "invited_by_id": self.by.id}
        return {"state": state, "expires_at": ends, "round": 1, **about, **here}

    def welcome(self, fates: Fates) -> None:
        """Make these people members, most with a seat as far as seats are free."""
        accounts = self._begin(Account, [self._account(number) for number, _ in fates])
        here = {"organization_id": self.organization_id, "state": "member"}
        members = self._begin(Membership, [{"account_id": one, **here} for one in accounts])
        fate_of = dict(zip(members, (fate for _, fate in fates), strict=True))
        taken = self._take([one for one in members if fate_of[one] != "accepted"])
        tokens = self._begin(Token, [
            {"organization_id": self.organization_id, "membership_id": member, "seat_id": seat,
             "state": "active" if fate_of[member] == "active" else "inactive",
             "generation": int(fate_of[member] == "active")}
            for member, seat in taken.items()
        ])  # fmt: skip
        held = dict(zip(tokens, taken, strict=True))
        self._mailed("seat_assigned", tokens, generation=0)
        self._mail({token: one for token, one in held.items() if fate_of[one] == "active"})

    def _account(self, number: int) -> dict[str, Any]:
        address, never = self._address(number), {"password_round": 0, "reset_round": 0}
        known = {"email": address, "email_key": address, "password_hash": self.by.password_hash}
        return {"state": "active", "name": _name(number), "operator": False, **known, **never}

    def _address(self, number: int) -> str:
        return f"{_name(number).lower().replace(' ', '.')}.{number}@{self.domain}"

    def _take(self, members: list[int]) -> dict[int, int]:
        """A free seat for each of these members, as far as there are; member → seat."""
        free = select(Seat.id).filter_by(organization_id=self.organization_id, state="free")
        found = db.session.scalars(free.order_by(Seat.id).limit(len(members))).all()
        taken = dict(zip(members, found, strict=False))
        if taken:
            claim = update(SEAT).where(SEAT.c.id == bindparam("seat")).values(
                state="taken", since=self.moment, revision=SEAT.c.revision + 1,
                membership_id=bindparam("member"), holder_active=True,
            )  # fmt: skip
            pairs = [{"seat": seat, "member": member} for member, seat in taken.items()]
            db.session.connection().execute(claim, pairs)
            tallies.add(self.organization_id, {seats.TAKEN: len(taken)})
            self._step(Seat, list(taken.values()), "assign", "free", ["taken"] * len(taken))
        return taken

    def _mail(self, holders: dict[int, int]) -> None:
        """A first secret for each of these tokens, as if it had been mailed; token → member."""
        digests = [secrets.token_bytes(32) for _ in holders]
        made = {"number": 1, "key_id": "0", "minted_at": self.moment}
        pairs = zip(holders, digests, strict=True)
        ids = _add(Generation, [{"token_id": t, "digest": d, **made} for t, d in pairs])
        facts = zip(ids, holders.values(), digests, strict=True)
        here = {"organization_id": self.organization_id}
        _add(Verdict, [{"generation_id": i, "membership_id": m, "digest": d, **here}
                       for i, m, d in facts], Verdict.generation_id)  # fmt: skip
        self._mailed("token", list(holders), generation=1)

    def _mailed(self, template: str, about: list[int], *, generation: int) -> None:
        """The letters about these rows, as the mail server took them."""
        when = dict.fromkeys(("since", "posted_at", "due_at", "sent_at"), self.moment)
        sent = {"state": "sent", "revision": 3, "attempts": 1, "lost": 0, "lease": 1}
        here = {"organization_id": self.organization_id, "domain": self.domain, "reply": "250 OK"}
        kind = {"template": template, "generation": generation}
        ids = _add(Letter, [{"about_id": one, **kind, **sent, **here, **when} for one in about])
        tried = {"lease": 1, "worker": "the demo", "at": self.moment, "ended_at": self.moment}
        taken = {"outcome": "sent", "reply": here["reply"]}
        _add(Attempt, [{"letter_id": one, **tried, **taken} for one in ids])

    def _begin(self, kind: Any, rows: list[dict[str, Any]]) -> list[int]:
        """Add rows with their first step; answers their ids, in order."""
        ids = _add(kind, [{"since": self.moment, "revision": 1, **row} for row in rows])
        self._step(kind, ids, "begin", None, [row["state"] for row in rows])
        return ids

    def _step(
        self, kind: Any, ids: list[int], event: str, source: str | None, targets: list[str]
    ) -> None:
        common = {"action_id": self.action_id, "kind": kind.__tablename__, "event": event}
        moves = zip(ids, targets, strict=True)
        _add(Step, [{"row_id": i, "source": source, "target": t, **common} for i, t in moves])
        heaps.add(self.action_id, kind.__tablename__, event, len(ids))
        history.moved(kind.__tablename__, *ids)


def _name(number: int) -> str:
    return f"{FIRST[number % len(FIRST)]} {LAST[number // len(FIRST) % len(LAST)]}"


def _add(kind: Any, rows: list[dict[str, Any]], key: Any = None) -> list[int]:
    if not rows:
        return []
    added = insert(kind).returning(key or kind.id, sort_by_parameter_order=True)
    return list(db.session.scalars(added, rows))
