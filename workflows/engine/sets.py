"""Sets: many rows written in one statement, from what they share and what each has of its own.

What would surprise a reader: the values travel as one parameter, a JSON text. A row costs a third
of what it costs in executemany, where each is bound by itself, and on PostgreSQL a sixth of what
it costs in arrays, which the driver writes value by value.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Executable,
    Insert,
    Integer,
    LargeBinary,
    Select,
    String,
    cast,
    func,
    literal,
    select,
    text,
    type_coerce,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from workflows.engine.db import Moment, db

Each = Mapping[str, Sequence[Any]]  # of each column, the values of the rows


def add(kind: Any, each: Each, /, **same: Any) -> None:
    """Add a row for each of these values, in their order."""
    db.session.connection().execute(_insert(kind, each, same))


def begin(kind: Any, each: Each, /, **same: Any) -> list[int]:
    """The same; answers the ids, which grow with the order."""
    added = _insert(kind, each, same).returning(kind.__table__.c.id)
    return sorted(row[0] for row in read(added))


def _insert(kind: Any, each: Each, same: Mapping[str, Any]) -> Insert:
    own, shared = _apart(each)
    own, same = (own, {**shared, **same}) if own else (each, same)  # no rows without a value each
    chosen = rows(kind, own, **same)
    return kind.__table__.insert().from_select([*own, *same], chosen)  # type: ignore[no-any-return]


def _apart(each: Each) -> tuple[Each, dict[str, Any]]:
    """What each row has of its own, and the columns of which all have the same: it travels once."""
    own = {name: values for name, values in each.items() if len(set(values)) != 1}
    return own, {name: values[0] for name, values in each.items() if name not in own}


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
    own, shared = _apart(each)
    _, values = _values(table, {"id": ids, **own})
    own_id = values.pop("id")
    changed = table.update().where(table.c.id == own_id, *which).values(**values, **shared, **same)
    return db.session.connection().execute(changed).rowcount


def write(statement: Executable) -> None:
    """Write many rows at once. Those in memory stay as they were read."""
    db.session.execute(statement, execution_options={"synchronize_session": False})


def read(query: Executable) -> Sequence[Any]:
    """The rows that this answers, plain as the database gives them: no object is made of any.

    For ten thousand rows the session takes longer than the database.
    """
    db.session.flush()
    return db.session.connection().execute(query).all()


def among(what: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """Whether this column is one of these values; as many as there are, in one parameter."""
    if db.engine.dialect.name == "sqlite":
        return matches(what, values)
    # An array, made once: PostgreSQL looks each up by the index, and does not read all rows.
    array = func.array(_listed(what, values).scalar_subquery())
    return what == func.any(array)  # type: ignore[no-any-return]


def matches(what: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """The same for a query that holds no rows and asks for something else too.

    Where PostgreSQL finds the rows by that, it would look through all of an array for each row:
    four thousand addresses among six thousand rows took 450 times as long as this.
    """
    return what.in_(_listed(what, values))  # type: ignore[no-any-return]


def _listed(what: Any, values: Collection[Any]) -> Select[Any]:
    packed = json.dumps(list(values))
    if db.engine.dialect.name == "sqlite":
        return select(func.json_each(packed).table_valued("value").c.value)
    texts = func.json_array_elements_text(cast(literal(packed), JSON)).table_valued("value")
    return select(cast(texts.c.value, _kind(what.type)))


def _values(table: Any, each: Each) -> tuple[Any, dict[str, ColumnElement[Any]]]:
    """What orders the rows, and for each column the expression of its value."""
    kinds = {name: _kind(table.c[name].type) for name in each}
    columns = [_as_json(kinds[name], each[name]) for name in each]
    alone = len(columns) == 1  # then each element is a value, and nothing has to be taken apart
    packed = json.dumps(columns[0] if alone else list(zip(*columns, strict=True)), default=str)
    if db.engine.dialect.name == "sqlite":
        found = func.json_each(packed).table_valued("key", "value")
        paths = [f"$[{place}]" for place in range(len(each))]
        cells: list[Any] = [func.json_extract(found.c.value, path) for path in paths]
    else:
        parted = func.json_array_elements_text if alone else func.json_array_elements
        found = parted(cast(literal(packed), JSON)).table_valued(
            "value", with_ordinality="key"
        ).render_derived()  # fmt: skip
        cells = [found.c.value.op("->>")(place) for place in range(len(each))]
    cells = [found.c.value] if alone else cells
    named = zip(kinds.items(), cells, strict=True)
    return found.c.key, {name: _from_json(kind, cell) for (name, kind), cell in named}


def _kind(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(kind, Integer | Moment | LargeBinary):
        return kind
    return String()


def _as_json(kind: TypeEngine[Any], values: Sequence[Any]) -> Sequence[Any]:
    """The values as SQLite keeps them; bytes must be plain letters."""
    if isinstance(kind, LargeBinary):
        return [value.decode("ascii") for value in values]
    stored = kind.dialect_impl(db.engine.dialect).bind_processor(db.engine.dialect)
    if not stored:
        return list(values)
    written = {one: stored(one) for one in set(values)}  # of moments most are the same
    return [written[one] for one in values]


def _from_json(kind: TypeEngine[Any], cell: ColumnElement[Any]) -> ColumnElement[Any]:
    if db.engine.dialect.name == "sqlite":
        return cast(cell, kind) if isinstance(kind, LargeBinary) else type_coerce(cell, kind)
    return func.convert_to(cell, "UTF8") if isinstance(kind, LargeBinary) else cast(cell, kind)
