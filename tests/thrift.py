"""What each test would otherwise do anew, though it comes out the same each time.

Each test has an app and a database of its own; the routes, templates and statements of these are
alike, and compiling them anew took a third of the time of most tests. What would surprise a
reader: passwords are hashed here with the least effort that argon2 knows, but for tests that start
real processes.
"""

import gc

from argon2 import PasswordHasher
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from jinja2 import BytecodeCache
from werkzeug.routing import Rule

from workflows.engine import identity


def compile_once(patch):
    """Compile routes, templates and statements once for all apps of this process."""
    _routes(patch)
    patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": Templates()})
    _statements(patch)


def collect_seldom():
    """Look for garbage once in a while: Python looks through all that the tests keep each time."""
    gc.set_threshold(50_000, 20, 20)


def hash_cheaply(patch):
    patch.setattr(identity, "_hasher", PasswordHasher(memory_cost=8, time_cost=1, parallelism=1))


def _routes(patch):
    compiled, compile_anew = {}, Rule._compile_builder

    def compile_route(rule, append_unknown=True):
        key = rule.rule, append_unknown, rule.endpoint, tuple(sorted((rule.defaults or {}).items()))
        if key not in compiled:
            compiled[key] = compile_anew(rule, append_unknown)
        return compiled[key]

    patch.setattr(Rule, "_compile_builder", compile_route)


class Templates(BytecodeCache):
    """Compiled templates, by their name and text."""

    def __init__(self):
        self.known = {}

    def load_bytecode(self, bucket):
        bucket.code = self.known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket):
        self.known[bucket.key, bucket.checksum] = bucket.code


def _statements(patch):
    """SQLAlchemy keeps them by the dialect; one that has met no server yet knows too little."""
    make_anew, dialects, compiled = SQLAlchemy._make_engine, {}, {}

    def make_engine(self, *words):
        engine = make_anew(self, *words)
        known = dialects.setdefault(engine.name, engine.dialect)
        if getattr(known, "server_version_info", None):
            engine.dialect = known
            engine.update_execution_options(compiled_cache=compiled)
        return engine

    patch.setattr(SQLAlchemy, "_make_engine", make_engine)
