"""A migrated database and a created one are the same, with every check, trigger and predicate."""

import re

import flask_migrate
from alembic.script import ScriptDirectory

from workflows.engine.app import bare_app
from workflows.engine.db import Base, db
from workflows.engine.settings import Settings

OURS = "name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite%' AND sql IS NOT NULL"
ON_SQLITE = f"SELECT name, sql FROM sqlite_master WHERE {OURS}"
ON_POSTGRESQL = """
    SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT table_name || ' ' || column_name,
        data_type || ' ' || is_nullable || coalesce(generation_expression, '')
    FROM information_schema.columns WHERE table_schema = 'public'
"""


def schema(url, build, query):
    """Name → definition of everything in a database built this way, its parts in one order."""
    app = bare_app(Settings(embedded=True, secret_key="x" * 32, database_url=url))
    with app.app_context():
        build()
        rows = db.session.execute(db.text(query)).all()
        db.session.remove()
        db.engine.dispose()
    return {name: parts(text) for name, text in rows if "alembic" not in name}


def parts(definition):
    unquoted = definition.replace('"', "")  # as SQLite writes the name of a table made anew
    words = re.sub(r"\s+", " ", unquoted).strip().removesuffix(")")
    return sorted(part.strip() for part in words.split(", "))


def create():
    tables = [table for table in Base.metadata.sorted_tables if table.name != "lamps"]
    Base.metadata.create_all(db.engine, tables=tables)


def test_whoever_only_asks_for_the_newest_can_read_them_all():
    """As /readyz does: nothing of a migration may need one that runs."""
    assert len(ScriptDirectory("migrations").get_heads()) == 1


def test_on_sqlite(tmp_path):
    created = schema(f"sqlite:///{tmp_path}/created.db", create, ON_SQLITE)
    migrated = schema(f"sqlite:///{tmp_path}/migrated.db", flask_migrate.upgrade, ON_SQLITE)

    assert created.keys() == migrated.keys()
    assert created == migrated
    assert "steps_UPDATE" in migrated


def test_on_postgresql(postgresql):
    created = schema(postgresql.create("created"), create, ON_POSTGRESQL)
    migrated = schema(postgresql.create("migrated"), flask_migrate.upgrade, ON_POSTGRESQL)

    assert created.keys() == migrated.keys()
    assert created == migrated
    assert "steps_update" in migrated
    assert "organizations fk_organizations_owner" in migrated


def test_a_table_on_sqlite_is_whole_also_after_one_on_postgresql(tmp_path, postgresql):
    schema(postgresql.create("before"), create, ON_POSTGRESQL)
    created = schema(f"sqlite:///{tmp_path}/after.db", create, ON_SQLITE)

    assert any("fk_organizations_owner" in part for part in created["organizations"])
