"""Every race is shown to fail when its protection is gone, and no entry of `breaks.toml` is old."""

import ast

import breaks
import pytest

BREAKS = list(breaks.all_breaks())


def names_of_tests(file):
    tree = ast.parse((breaks.ROOT / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("entry", BREAKS, ids=lambda entry: entry.title)
def test_what_a_break_takes_away_is_there(entry):
    assert [edit.missing(breaks.ROOT) for edit in entry.edits] == [None] * len(entry.edits)

    file, test = entry.test.split("::")
    assert test.split("[")[0] in names_of_tests(file)


def test_every_race_has_a_break():
    named = {entry.test.split("[")[0] for entry in BREAKS}
    races = {
        f"tests/races/{path.name}::{test}"
        for path in (breaks.ROOT / "tests/races").glob("test_*.py")
        for test in names_of_tests(f"tests/races/{path.name}")
        if test.startswith("test_")
    }

    assert sorted(races - named) == [], "name in tests/breaks.toml what protects them"


def test_every_break_has_a_name_of_its_own():
    assert len({entry.title for entry in BREAKS}) == len(BREAKS)
