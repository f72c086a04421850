"""Sets: many rows written in one statement, from what they share and what each has of its own.

What would surprise a reader: the values travel as one parameter, a JSON text for SQLite and arrays
for PostgreSQL. A row costs a third of what it costs in executemany, where each is bound by itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import (
    Integer,
    LargeBinary,
    Select,
    String,
    column,
    func,
    literal,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from workflows.engine.db import Moment, db

Each = Mapping[str, Sequence[Any]]  # of each column, the values of the rows


def add(kind: Any, each: Each, /, **same: Any) -> list[int]:
    """Add a row for each of these values, in their order; answers the ids, which grow with it."""
    table = kind.__table__
    added = table.insert().from_select([*each, *same], rows(kind, each, **same))
    return sorted(db.session.connection().execute(added.returning(table.c.id)).scalars())


def rows(kind: Any, each: Each, /, **same: Any) -> Select[Any]:
    """What is to be added, as a query."""
    table = kind.__table__
    order, values = _values(table, each)
    shared = [literal(value, table.c[name].type) for name, value in same.items()]
    # SQLite wants a WHERE before it can tell ON CONFLICT from a join.
    return select(*values.values(), *shared).where(text("true")).order_by(order)


def change(kind: Any, ids: Sequence[int], /, *which: Any, each: Each, **same: Any) -> int:
    """Set columns of the rows with these ids, as far as they are such; answers how many were."""
    table = kind.__table__
    _, values = _values(table, {"id": ids, **each})
    own_id = values.pop("id")
    changed = table.update().where(table.c.id == own_id, *which).values(**values, **same)
    return db.session.connection().execute(changed).rowcount


def among(what: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """Whether this column is one of these values; as many as there are, in one parameter."""
    if db.engine.dialect.name == "sqlite":
        found = func.json_each(json.dumps(list(values))).table_valued("value")
        return cast(ColumnElement[bool], what.in_(select(found.c.value)))
    array = literal(list(values), ARRAY(_kind(what.type)))
    return cast(ColumnElement[bool], what == func.any(array))


def _values(table: Any, each: Each) -> tuple[Any, dict[str, ColumnElement[Any]]]:
    """What orders the rows, and for each column the expression of its value."""
    kinds = {name: _kind(table.c[name].type) for name in each}
    if db.engine.dialect.name == "sqlite":
        columns = [_as_json(kinds[name], each[name]) for name in each]
        packed = json.dumps(list(zip(*columns, strict=True)))
        found = func.json_each(packed).table_valued("key", "value")
        cells = {
            name: _from_json(kinds[name], func.json_extract(found.c.value, f"$[{place}]"))
            for place, name in enumerate(each)
        }
        return found.c.key, cells
    arrays = [literal(list(each[name]), ARRAY(kinds[name])) for name in each]
    named = [column(name, kind) for name, kind in kinds.items()]
    found = func.unnest(*arrays).table_valued(*named, with_ordinality="nth").render_derived()
    return found.c.nth, {name: found.c[name] for name in each}


def _kind(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(kind, Integer | Moment | LargeBinary):
        return kind
    return String()


def _as_json(kind: TypeEngine[Any], values: Sequence[Any]) -> Sequence[Any]:
    """The values as SQLite keeps them; bytes must be plain letters."""
    if isinstance(kind, LargeBinary):
        return [value.decode("ascii") for value in values]
    stored = kind.dialect_impl(db.engine.dialect).bind_processor(db.engine.dialect)
    return [stored(one) for one in values] if stored else values


def _from_json(kind: TypeEngine[Any], cell: ColumnElement[Any]) -> ColumnElement[Any]:
    return cell.cast(LargeBinary) if isinstance(kind, LargeBinary) else type_coerce(cell, kind)
