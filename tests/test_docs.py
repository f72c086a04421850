"""What the documentation says about the code is written from the code."""

import importlib.util
import re
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def script(name):
    loader = SourceFileLoader(name, str(ROOT / "bin" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def test_the_pictures_of_the_machines_are_those_of_the_code():
    stale = [path.name for path, text in script("draw").files().items() if path.read_text() != text]

    assert stale == [], "run .venv/bin/python bin/draw and commit what it writes"


@pytest.mark.parametrize(
    "page", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]), ids=lambda page: page.name
)
def test_links_inside_the_documentation_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []
