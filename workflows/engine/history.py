"""Who did what, when and why (an action), and which rows it moved from where to where (steps).

One command writes one action for each organization it touches, however many rows it moves.
All these tables are append-only: the database itself refuses to change or delete a line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import DDL, ForeignKey, Index, event, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows.engine import heaps, logs, sets
from workflows.engine.db import Base, db, index_of_few, name_of, now


class Action(Base):
    __tablename__ = "actions"
    __table_args__ = (
        Index(None, "organization_id", "id"),
        Index(None, "by_id", "id"),
        index_of_few("actions_by_request", "request_id", which="request_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[str]  # the command, as "invitations.revoke"
    by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))  # None: the clock
    operator: Mapped[bool] = mapped_column(default=False)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"))
    why: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(index=True)
    request_id: Mapped[str | None]  # as in the log; None: no request, but the clock or a worker

    by: Mapped[Any] = relationship("Account", viewonly=True)
    steps: Mapped[list[Step]] = relationship(order_by="Step.id", back_populates="action")


class Step(Base):
    __tablename__ = "steps"
    __table_args__ = (Index(None, "kind", "row_id"), Index(None, "action_id", "kind", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[int] = mapped_column(ForeignKey("actions.id"))
    kind: Mapped[str]  # the table
    row_id: Mapped[int]
    event: Mapped[str]
    source: Mapped[str | None]
    target: Mapped[str]

    action: Mapped[Action] = relationship(back_populates="steps")


def record(row: Any, *, by: Any, event: str, source: str | None, target: str) -> None:
    """Add a step of this row to the action of the running command."""
    action = _action(getattr(row, "organization_id", None), by=by)
    step = {"kind": row.__tablename__, "row_id": row.id, "source": source, "target": target}
    db.session.add(Step(action=action, event=event, **step))
    moved(row.__tablename__, row.id)


def record_all(
    kind: Any,
    row_ids: Sequence[int],
    organization_id: int | None,
    *,
    by: Any,
    event: str,
    source: str | None,
    target: str,
) -> None:
    """Add the same step of each of these rows to the action of the running command."""
    step_all(kind, row_ids, organization_id, by=by, event=event, source=source, target=target)
    moved(kind.__tablename__, *row_ids)


def step_all(
    kind: Any,
    row_ids: Sequence[int],
    organization_id: int | None,
    *,
    by: Any,
    event: str,
    source: str | None,
    target: str,
) -> None:
    """The same, without a word to whoever wants to know which rows have moved."""
    action = _action(organization_id, by=by)
    db.session.flush()  # the steps need its id
    step = {"action_id": action.id, "kind": kind.__tablename__, "event": event}
    sets.add(Step, {"row_id": row_ids}, **step, source=source, target=target)
    heaps.add(action.id, kind.__tablename__, event, len(row_ids))


def moved(kind: str, *row_ids: int) -> None:
    """Remember that rows of this table are other than they were, though they may take no step."""
    rows: defaultdict[str, set[int]] = db.session().info.setdefault("moved", defaultdict(set))
    rows[kind].update(row_ids)


def moved_rows() -> defaultdict[str, set[int]]:
    """The rows that the running command has moved, by table."""
    return db.session().info.get("moved", defaultdict(set))  # type: ignore[no-any-return]


def note(organization_id: int | None, *, by: Any) -> Action:
    """Write down that this command was done, though it moves no row, such as a change of name."""
    return _action(organization_id, by=by)


def because(why: str) -> None:
    """The reason of the running command; say it before the first step, as lines never change.

    The reason that an operator gave stays, behind what the command says itself.
    """
    info = db.session().info
    given = info.get("operator")
    info["why"] = f"{why}: {given}" if given else why


def called(event: str) -> None:
    """Write the running command down under this name; say it before the first step."""
    db.session().info["command"] = event


def as_operator(why: str, deed: Any) -> None:
    """The running command does this deed as an operator, for a reason; say it before a step."""
    because(why)
    called(name_of(deed))
    db.session().info["operator"] = why


def is_an_operators() -> bool:
    """Whether the running command is done as an operator."""
    return bool(db.session().info.get("operator"))


def go_on(action: Action) -> None:
    """Let what the running command does for the same person belong to this earlier action."""
    actions = db.session().info.setdefault("actions", {})
    actions[action.organization_id, action.by_id] = action


def _action(organization_id: int | None, *, by: Any) -> Action:
    info = db.session().info
    actions: dict[Any, Action] = info.setdefault("actions", {})
    key = (organization_id, by.id if by else None)
    if key not in actions:
        actions[key] = Action(
            event=info["command"],
            by_id=key[1],
            organization_id=organization_id,
            operator=is_an_operators(),
            why=info.get("why"),
            at=now(),
            request_id=logs.request_id(),
        )
        db.session.add(actions[key])
    return actions[key]


def history(row: Any) -> Sequence[Step]:
    """Every step the row has taken, oldest first."""
    steps = select(Step).filter_by(kind=row.__tablename__, row_id=row.id).order_by(Step.id)
    return db.session.scalars(steps).all()


def of_organization(
    organization_id: int, before: int | None = None, limit: int = 50, only: Any = None
) -> Sequence[Action]:
    """The organization's actions, newest first: those before id `before` that meet `only`."""
    actions = select(Action).filter_by(organization_id=organization_id)
    if only is not None:
        actions = actions.where(only)
    if before is not None:
        actions = actions.where(Action.id < before)
    return db.session.scalars(actions.order_by(Action.id.desc()).limit(limit)).all()


REFUSE_ON_SQLITE = """
CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
"""
REFUSE_ON_POSTGRESQL = """
CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table}
FOR EACH ROW EXECUTE FUNCTION usher_append_only()
"""
FUNCTION_ON_POSTGRESQL = """
CREATE OR REPLACE FUNCTION usher_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'history is append-only'; END $$
"""


def append_only(table: str, dialect: str) -> list[str]:
    """The statements that make the database refuse to rewrite this table."""
    verbs = ("UPDATE", "DELETE")
    if dialect == "sqlite":
        return [REFUSE_ON_SQLITE.format(table=table, verb=verb) for verb in verbs]
    triggers = [REFUSE_ON_POSTGRESQL.format(table=table, verb=verb) for verb in verbs]
    return [FUNCTION_ON_POSTGRESQL, *triggers]


for _table in (Action.__table__, Step.__table__, heaps.Heap.__table__):
    for _dialect in ("sqlite", "postgresql"):
        for _statement in append_only(_table.name, _dialect):  # type: ignore[attr-defined]
            _ddl = DDL(_statement).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
            event.listen(_table, "after_create", _ddl)
