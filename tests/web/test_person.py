import re
from datetime import timedelta

import pytest

from workflows import arrivals, departures, gate, invitations, memberships, seats, tokens
from workflows.engine import outbox
from workflows.engine.db import now
from workflows.gate import Use


@pytest.fixture
def acme(cast, ines):
    return cast.organization(ines, seats=2)


def history(page):
    """The lines of the history as read, newest first, without their times."""
    found = re.search(r'<ol class="u-card u-pad u-time">(.*?)</ol>', page, re.S)[1]
    items = re.findall(r"<li[^>]*><span[^>]*>(.*?)</span>", found, re.S)
    return [" ".join(re.sub(r"<[^>]+>", "", item).split()) for item in items]


def test_a_person_is_told_from_invitation_to_first_download(client, cast, acme, ines):
    asked = cast.invitation(acme, "bo@acme.test", ines)
    cast.deliver()
    bo = memberships.of(arrivals.sign_up_by_link(asked, "Bo", "a password to test with"), acme)
    seats.assign(bo, by=ines)
    cast.deliver()
    cast.secret(bo)
    use = Use(tokens.of(bo).current.id, now(), "conda", downloaded=True)
    gate.record_uses([use])

    page = client.get(f"/acme/members/{bo.id}").text

    assert history(page) == [
        "Letter with the token: handed over",
        "Bo activated the token",
        "Seat letter: handed over",
        "Letter to the inviter: handed over",
        "Ines assigned a seat to Bo",
        "Bo signed up and accepted the invitation",
        "Invitation letter: handed over",
        "Ines invited bo@acme.test",
    ]
    assert "bo@acme.test" in page
    line = re.search(r"u-line is-tall.*?</ol>", page, re.S)[0]
    assert line.count("is-done") == line.count("<time") == 5


def test_what_comes_next_stands_on_top_with_the_one_button(client, cast, acme, ines):
    bo = cast.member(acme, "Bo", ines)

    page = client.get(f"/acme/members/{bo.id}").text

    assert history(page)[0] == "Has joined and waits for a seat."
    assert f'action="/acme/members/{bo.id}/assign"' in page


def test_an_invitation_tells_each_try_and_the_servers_answer(client, cast, acme, ines, settings):
    cast.deliver()
    asked = cast.invitation(acme, "bo@acme.test", ines)
    outbox.later(outbox.claim(1, "test")[0], "451 come back later")
    settings.clock_offset += timedelta(hours=2).total_seconds()
    outbox.bounced(outbox.claim(1, "test")[0], "550 no such mailbox")

    page = client.get(f"/acme/invitations/{asked.id}").text

    assert "Invitation letter: bounced" in history(page)
    assert "451 come back later" in page
    assert "550 no such mailbox" in page
    assert "2 tries" in page


def test_whoever_came_back_has_the_whole_history(client, cast, acme, ines):
    bo = cast.member(acme, "Bo", ines)
    departures.remove(bo, by=ines)
    asked = cast.invitation(acme, "bo@acme.test", ines)
    again = arrivals.accept(asked, by=bo.account)

    lines = history(client.get(f"/acme/members/{again.id}").text)

    assert "Ines removed Bo" in lines
    assert lines.count("Ines invited bo@acme.test") == 2
    gone = client.get(f"/acme/members/{bo.id}")
    assert gone.status_code == 200
    assert "Removed" in gone.text


def test_a_member_reads_their_own_page_and_nobody_elses(client, cast, acme, ines):
    bo, cy = cast.member(acme, "Bo", ines), cast.member(acme, "Cy", ines)
    client.sign_in(bo.account)

    own = client.get(f"/acme/members/{bo.id}")

    assert own.status_code == 200
    assert "View Members" in own.text
    assert "Actions" not in own.text
    assert client.get(f"/acme/members/{cy.id}").status_code == 403


def test_rows_lead_to_the_person(client, cast, acme, ines):
    bo = cast.member(acme, "Bo", ines)
    asked = cast.invitation(acme, "cy@acme.test", ines)

    page = client.get("/acme/members").text

    assert f'href="/acme/members/{bo.id}"' in page
    assert f'href="/acme/invitations/{asked.id}"' in page
    invitations.revoke(asked, by=ines)
    assert "Revoked" in client.get(f"/acme/invitations/{asked.id}").text


def test_whoever_came_back_is_linked_with_the_time_before_and_the_other_way(
    client, cast, acme, ines
):
    bo = cast.member(acme, "Bo", by=ines)
    departures.leave(bo, by=bo.account)
    again = arrivals.accept(cast.invitation(acme, "bo@acme.test", ines), by=bo.account)
    departures.remove(again, by=ines)
    third = arrivals.accept(cast.invitation(acme, "bo@acme.test", ines), by=bo.account)

    now_here = client.get(f"/acme/members/{third.id}").text
    before = client.get(f"/acme/members/{again.id}").text

    assert f'href="/acme/members/{again.id}"' in now_here
    assert f'href="/acme/members/{bo.id}"' in now_here
    assert "Removed by Ines" in now_here
    assert "Is a member again" not in now_here
    assert f'href="/acme/members/{third.id}">Is a member again' in before
    client.sign_in(bo.account)
    own = client.get(f"/acme/members/{third.id}").text
    assert "Was here" in own
    assert f'href="/acme/members/{bo.id}"' not in own
