"""State machines bound to database rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self

from sqlalchemy import Enum
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from statemachine import State, StateChart
from statemachine.exceptions import TransitionNotAllowed

from workflows.engine import history
from workflows.engine.db import db, now
from workflows.engine.refusals import NotNow, why_not

__all__ = ["Machine", "State", "Stateful"]


class Machine(StateChart[Any]):
    """A strict state machine.

    StateChart is made for reactive programs: by default it drops an event that no
    state expects, and finishes a transition whose action raised. A row may do neither.
    """

    allow_event_without_transition = False
    catch_errors_as_events = False
    atomic_configuration_update = True  # else the state is None, and flushed so, halfway

    @classmethod
    def arrows(cls) -> list[tuple[str, str, str]]:
        """Every arrow as (source, event, target), in the order they are written."""
        return [
            (str(source.value), str(arrow.event), str(arrow.target.value))
            for source in cls.states
            for arrow in source.transitions
        ]

    @classmethod
    def sources(cls, event: str) -> list[str]:
        """The states in which this event may happen; what a command on many rows asks for."""
        return [source for source, name, _ in cls.arrows() if name == event]


class Stateful:
    """A row whose `state` moves only by the events of its machine, each with its history."""

    machine: ClassVar[type[Machine]]
    __table__: Any

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    since: Mapped[datetime]  # when this state began
    revision: Mapped[int]

    @declared_attr
    def state(cls) -> Mapped[str]:
        states = [str(state.value) for state in cls.machine.states]
        return mapped_column(
            Enum(*states, native_enum=False, create_constraint=True, name="state", length=20)
        )

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.__table__.c.revision}

    @classmethod
    def begin(cls, *, by: Any, **columns: Any) -> Self:
        """Add a new row in its machine's first state."""
        start = {"state": cls.machine.initial_state.value, "since": now()}
        row = cls(**start, **columns)
        db.session.add(row)
        db.session.flush()  # history needs the id
        history.record(row, by=by, event="begin", source=None, target=row.state)
        return row

    def fire(self, event: str, *, by: Any, **changes: Any) -> Self:
        """Move to the next state, with these columns changed in the same breath, or refuse."""
        source, moment = self.state, now()
        with db.session.no_autoflush:  # a rule's query must not write the state without the rest
            self._try(self, event, by)
            self.since = moment
            for name, value in changes.items():
                setattr(self, name, value)
        history.record(self, by=by, event=event, source=source, target=self.state)
        db.session.flush()  # the database sees the moves in the order in which they are written
        return self

    def why_not(self, event: str, *, by: Any) -> str | None:
        """Why this event cannot happen now, in the words of the rule that forbids it."""
        return why_not(self.rehearse, event, by=by)

    def rehearse(self, event: str, *, by: Any) -> None:
        """Refuse as `fire` would, and move nothing."""
        self._try(_Rehearsal(self), event, by)

    def alike(self, by: Any) -> Any:
        """What the rules see of this row beside its state: rows with the same get one answer."""
        return None

    def no_arrow(self, event: str) -> str:
        """The sentence for an event that the present state does not expect."""
        return f"This {type(self).__name__.lower()} is {self.state.replace('_', ' ')}."

    def _try(self, model: Any, event: str, by: Any) -> None:
        try:
            getattr(self.machine(model), event)(by=by)  # a misspelt event is a bug, no refusal
        except TransitionNotAllowed:
            raise NotNow(self.no_arrow(event)) from None


class _Rehearsal:
    """Stands in for a row, so that an event can be tried and nothing moves."""

    def __init__(self, row: Stateful) -> None:
        self.row = row
        self.state = row.state

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)
