"""Where one workflow stands: as a picture on its page, and as JSON for programs."""

import re

import pytest

from workflows import guest_lists, invitations, operators, seats, tokens, trails
from workflows.engine import outbox
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.invitations import Invitation


@pytest.fixture
def ada(cast):
    return cast.account("Ada")


@pytest.fixture
def acme(cast, client, ada):
    client.sign_in(operators.make_operator(cast.account("Marta").email))
    acme = cast.organization(ada, seats=3)
    cast.deliver()
    return acme


def pictures(answer):
    return dict(
        re.findall(r'class="u-machine"[^>]*aria-label="([A-Z][a-z-]*): ([^"]*)"', answer.text)
    )


def test_the_picture_shows_where_each_row_stands_and_the_way_it_has_gone(cast, client, acme, ada):
    bo = cast.seated(acme, "Bo", by=ada)
    cast.secret(bo)

    page = client.get(f"/status/memberships/{bo.id}")

    shown = pictures(page)
    assert list(shown) == ["Invitation", "Membership", "Seat", "Token"]
    assert re.match(r"seated for (now|\d+ s); sent ", shown["Invitation"])
    assert "; accepted " in shown["Invitation"]
    assert re.match(r"active for (now|\d+ s); inactive ", shown["Token"])
    assert "reissued" not in shown["Token"]
    assert page.text.count(">Here<") == 4


def test_a_step_taken_again_is_counted_beside_its_arrow(cast, client, acme, ada, settings):
    asked = cast.invitation(acme, "cy@acme.test", ada)
    for _ in range(2):
        settings.clock_offset += 7200
        invitations.resend(asked, by=ada)

    page = client.get(f"/status/invitations/{asked.id}")

    assert trails.times(trails.moves(asked)) == {"sent>sent": 2}
    assert ">2 ×<" in page.text


def test_the_way_of_a_letter_is_made_of_its_tries_and_of_what_operators_did(
    cast, client, acme, ada
):
    guest_lists.invite(acme, "cy@acme.test", by=ada)
    letter = db.session.scalars(db.select(Letter).filter_by(template="invitation")).one()
    for settle in (outbox.later, outbox.bounced):
        [claim] = outbox.claim(1, "post-1")
        outbox.compose(claim)
        settle(claim, "550 5.1.1 no such mailbox")
        client.post(f"/status/letters/{letter.id}/send-now", data={"why": "it is mended"})

    at = f"/status/letters/{letter.id}"
    told = client.get(f"{at}.json").json

    moved = [(one["from"], one["to"]) for one in told["rows"][0]["moves"]]
    assert moved == [
        (None, "pending"), ("pending", "sending"), ("sending", "pending"),
        ("pending", "pending"), ("pending", "sending"), ("sending", "bounced"),
    ]  # fmt: skip
    [hurried] = [one for one in told["rows"][0]["moves"] if one.get("event") == "hurry"]
    assert (hurried["by"], hurried["operator"], hurried["why"]) == ("Marta", True, "it is mended")
    tries = [(one["outcome"], one["reply"]) for one in told["letters"][0]["tries"]]
    assert tries == [(one, "550 5.1.1 no such mailbox") for one in ("pending", "bounced")]
    assert pictures(client.get(at))["Letter"].startswith("bounced for now; pending ")


def test_programs_get_one_workflow_whole_whichever_row_they_ask_for(cast, client, acme, ada):
    bo = cast.seated(acme, "Bo", by=ada)
    secret = cast.secret(bo)
    [asked] = db.session.scalars(db.select(Invitation).filter_by(membership_id=bo.id))
    ways = {
        client.get(f"/status/{kind}/{row_id}.json").text
        for kind, row_id in (("memberships", bo.id), ("invitations", asked.id),
                             ("tokens", tokens.of(bo).id), ("seats", seats.of(bo).id))
    }  # fmt: skip

    assert len(ways) == 1
    assert secret not in ways.pop()
    told = client.get(f"/status/memberships/{bo.id}.json").json
    assert told["organization"]["slug"] == "acme"
    assert {one["kind"]: one["state"] for one in told["rows"]} == {
        "invitations": "seated", "memberships": "member", "seats": "taken", "tokens": "active",
    }  # fmt: skip
    templates = [one["template"] for one in told["letters"]]
    assert templates == ["token", "seat_assigned", "invitation_accepted", "invitation"]
    assert {"event": "reissue", "to": "reissued", "who": "The holder", "why_not": None} in (
        told["rows"][3]["next"]
    )
    revoke = next(one for one in told["rows"][1]["deeds"] if one["name"] == "revoke-seat")
    assert client.get(revoke["address"]).status_code == 200


@pytest.mark.parametrize("kind", ["seats", "subscriptions", "organizations", "letters"])
def test_each_other_row_has_its_twin_and_its_picture(client, acme, kind):
    assert client.get(f"/status/{kind}/1.json").json["rows"][0]["kind"] == kind
    assert len(pictures(client.get(f"/status/{kind}/1"))) == 1


@pytest.mark.parametrize("path", ["memberships/987654", "nothing/1", "stuck/1", "pauses/1"])
def test_of_what_is_not_there_is_no_twin(client, acme, path):
    assert client.get(f"/status/{path}.json").status_code == 404


def test_to_everybody_else_there_is_none(cast, client, acme, ada):
    bo = cast.member(acme, "Bo", by=ada)
    client.sign_in(ada)

    assert client.get(f"/status/memberships/{bo.id}.json").status_code == 404
    client.post("/logout")
    assert client.get(f"/status/memberships/{bo.id}.json").status_code in (303, 404)
