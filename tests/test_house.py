"""The house rules, so that nobody has to remember them in review."""

import ast
from pathlib import Path

import pytest

from workflows import ORDER

ROOT = Path(__file__).parents[1]
ROOMS = ("workflows", "web", "workers")


def imports(path):
    """Every module a file imports at run time (imports for the type checker do not count)."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(*rooms):
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def offenders(rooms, *forbidden):
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files(*rooms)
        for name in imports(path)
        if name.split(".")[0] in forbidden
    ]


def workflow_in(name):
    """The workflow an import is about: `workflows.seats.Seat` and `workflows.seats` → seats."""
    parts = name.split(".")
    return parts[1] if parts[0] == "workflows" and parts[1:] and parts[1] in ORDER else None


def test_workflows_know_neither_door_nor_queue_nor_mail():
    found = offenders(["workflows"], "web", "workers", "launch", "dramatiq", "redis", "smtplib")
    assert found == [], "a workflow writes a letter; the doors call it, never the other way"


def test_the_doors_do_not_know_each_other():
    assert offenders(["web"], "workers", "dramatiq", "launch") == [], "post a letter instead"
    assert offenders(["workers"], "web", "launch") == []


def test_only_the_launcher_imports_both_doors():
    both = [
        path.name
        for path in [*ROOT.glob("*.py"), *files(*ROOMS)]
        if {"web", "workers"} <= {name.split(".")[0] for name in imports(path)}
    ]
    assert both == ["launch.py"]


def test_the_engine_knows_no_workflow():
    found = [
        f"{path.name}: {name}"
        for path in files("workflows/engine")
        for name in imports(path)
        if workflow_in(name)
    ]
    assert found == [], "register what the engine must know of a workflow with it"


@pytest.mark.parametrize("noun", ORDER)
def test_a_workflow_imports_only_those_before_it(noun):
    later = [
        name
        for name in imports(ROOT / f"workflows/{noun}.py")
        if (other := workflow_in(name)) and ORDER.index(other) >= ORDER.index(noun)
    ]
    assert later == [], "an arrow back up wants a module of its own, later in workflows.ORDER"


def test_every_workflow_has_its_place_in_the_order():
    modules = {path.stem for path in (ROOT / "workflows").glob("*.py")} - {"__init__"}
    assert modules == set(ORDER)


def test_only_adapters_and_the_doors_know_an_adapter():
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "workflows").glob("*.py")
        for name in imports(path)
        if name.startswith(("workflows.billing.pretend", "workflows.billing.stripe"))
    ]
    assert found == [], "workflows see the Protocol in workflows/billing/__init__.py only"


@pytest.mark.parametrize(
    ("library", "door"),
    [
        ("statemachine", "workflows/engine/machine.py"),
        ("flask_sqlalchemy", "workflows/engine/db.py"),
        ("itsdangerous", "workflows/engine/seals.py"),
        ("argon2", "workflows/engine/identity.py"),
        ("email_validator", "workflows/engine/identity.py"),
        ("dramatiq", "workers/"),
        ("smtplib", "workers/mailers.py"),
    ],
)
def test_each_library_has_one_door(library, door):
    found = [one for one in offenders(ROOMS, library) if not one.startswith(door)]
    assert found == [], f"import {library} only in {door}"


def test_only_the_web_sees_the_request():
    for path in files("workflows", "workers"):
        assert not {"flask.request", "flask.session", "flask.g"} & set(imports(path)), path


def test_nothing_is_imported_inside_a_function():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files(*ROOMS)
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_files_and_functions_stay_small():
    long_files = [
        f"{path.relative_to(ROOT)}: {length} lines"
        for path in [*files(*ROOMS), ROOT / "launch.py"]
        if (length := len(path.read_text().splitlines())) > 250
    ]
    long_functions = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in [*files(*ROOMS), ROOT / "launch.py"]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno + 1 > 25
    ]
    assert long_files + long_functions == [], "over budget means: find the missing noun"


def test_no_module_hides_behind_a_word_that_says_nothing():
    vague = {"utils", "helpers", "common", "core", "data", "info", "manager", "service"}
    assert [path for path in files(*ROOMS) if path.stem in vague] == []


def test_a_route_has_no_commit_and_catches_no_refusal():
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in files("web")
        for word in ("session.commit", "except Refusal", "except NotNow", "except NotAllowed")
        if word in path.read_text()
    ]
    assert found == [], "web/errors.py turns refusals into answers, commands commit"
