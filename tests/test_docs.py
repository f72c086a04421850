"""What the documentation says about the code is written from the code."""

import importlib.util
import re
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from workflows.engine import safety
from workflows.engine.settings import Settings

ROOT = Path(__file__).parents[1]


def script(name):
    loader = SourceFileLoader(name, str(ROOT / "bin" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def test_the_pictures_of_the_machines_are_those_of_the_code():
    stale = [path.name for path, text in script("draw").files().items() if path.read_text() != text]

    assert stale == [], "run .venv/bin/python bin/draw and commit what it writes"


def test_the_settings_are_described_as_they_are():
    tabulate = script("tabulate")
    stale = [path.name for path, text in tabulate.files().items() if path.read_text() != text]
    described = {name for names in tabulate.GROUPS.values() for name in names}

    assert stale == [], "run .venv/bin/python bin/tabulate and commit what it writes"
    assert set(Settings.model_fields) - described == {"embedded", "clock_offset"}


def test_every_promise_that_has_a_verdict_is_on_its_page_with_its_test():
    page = (ROOT / "docs/promises.md").read_text()
    tests = (ROOT / "tests").rglob("test_*.py")
    told = {
        (promise, path.relative_to(ROOT / "tests"))
        for path in tests
        for promise in re.findall(r'verdict\.about\("([RS]\d+)', path.read_text())
    }
    lines = {line.split()[1]: line for line in page.splitlines() if re.match(r"\| [RS]\d", line)}

    missing = [(p, path) for p, path in told if f"tests/{path.parent}" not in lines.get(p, "")]
    assert missing == []
    assert {"R9", "S4"} <= {promise for promise, _ in told}


def test_what_the_configuration_calls_needed_is_what_stops_the_start(monkeypatch):
    needed = script("tabulate").NEEDED
    for name in needed:
        monkeypatch.delenv(name.upper(), raising=False)

    missing = [reason for reason in safety.examine()[1] if "missing" in reason]

    assert {reason.split()[0].lower() for reason in missing} == set(needed)


def test_an_example_that_nobody_filled_in_does_not_start(monkeypatch):
    for line in (ROOT / ".env.example").read_text().splitlines():
        if line and not line.startswith("#"):
            monkeypatch.setenv(*line.split("=", 1))

    reasons = " ".join(safety.examine()[1])

    for name in ("SECRET_KEY", "SMTP_URL", "MAIL_FROM", "BASE_URL"):
        assert name in reasons


@pytest.mark.parametrize(
    "page", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]), ids=lambda page: page.name
)
def test_links_inside_the_documentation_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_a_decision_has_the_number_of_its_file():
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        assert path.read_text().startswith(f"# {int(path.name[:4])}. "), path.name
