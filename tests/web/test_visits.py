"""Each request is one line in the log, and has an id that people can quote."""

import logging
import re

import pytest
from sqlalchemy.exc import OperationalError

from web.visits import Visits


@pytest.fixture
def lines(caplog):
    """What is written about requests, as (status, facts)."""
    caplog.set_level(logging.INFO, logger="usher.web")
    return lambda: [record for record in caplog.records if record.getMessage() == "request"]


def test_a_request_is_one_line_with_ids_and_no_address(client, cast, lines):
    ann = cast.account("Ann")
    organization = cast.organization(ann, "Acme")
    client.sign_in(ann)

    client.get("/acme/members?q=a+secret")

    [line] = lines()
    assert (line.method, line.path, line.status) == ("GET", "/acme/members", 200)
    assert (line.account_id, line.organization_id) == (ann.id, organization.id)
    assert line.ms > 0
    assert "acme.test" not in str(vars(line))
    assert "a+secret" not in str(vars(line))


def test_an_answer_bears_the_id_that_no_client_chooses(client):
    chosen = {"X-Request-ID": "mine\r\nX: y"[:4]}

    ids = [client.get("/login", headers=chosen).headers["X-Request-ID"] for _ in range(2)]

    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in ids)
    assert ids[0] != ids[1]


def test_a_mistake_of_ours_names_its_request_for_whoever_helps(app, client, lines):
    app.testing = False

    def deed():
        raise RuntimeError("broken")

    app.add_url_rule("/dev/deed", view_func=deed)

    page = client.get("/dev/deed", headers={"Accept": "text/html"})
    problem = client.get("/dev/deed", headers={"Accept": "application/json"})
    note = client.get("/dev/deed", headers={"HX-Request": "true"})

    assert [line.levelname for line in lines()] == ["WARNING"] * 3
    assert f"<code>{page.headers['X-Request-ID']}</code>" in page.text
    assert problem.json["request_id"] == problem.headers["X-Request-ID"]
    assert f"<code>{note.headers['X-Request-ID']}</code>" in note.text


def test_a_refusal_that_is_nobodys_mistake_has_no_number_on_its_page(client):
    assert "<code>" not in client.get("/no/such/page").text


def test_a_database_that_is_away_is_still_one_line(client, cast, lines, monkeypatch):
    client.sign_in(cast.account("Ann"))

    def lost(secret):
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    monkeypatch.setattr("workflows.sessions.session_of", lost)

    assert client.get("/profile").status_code == 503
    assert [line.status for line in lines()] == [503]


def test_the_gate_is_in_the_log_too_with_whose_token_it_was(office, lines):
    office.app.wsgi_app = Visits(office.app.wsgi_app)
    client = office.app.test_client()

    passed = client.get("/gate", headers={"Authorization": f"Bearer {office.secret}"})
    refused = client.get("/t/usht-nonsense/repo/main/noarch/repodata.json")

    first, second = lines()
    assert (first.status, first.organization_id) == (204, office.ids[3])
    assert (second.status, second.refused) == (401, "malformed")
    assert passed.headers["X-Request-ID"] != refused.headers["X-Request-ID"]
