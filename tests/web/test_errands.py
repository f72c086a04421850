"""One deed for many people, as an admin sees it."""

import csv
import io
import re

import pytest
from sqlalchemy import func

from web import crowd, downloads
from workflows import departures, errands, places, roles, seats, subscriptions
from workflows.engine.db import db
from workflows.engine.history import Action
from workflows.errands import Errand


@pytest.fixture
def acme(cast, ines):
    return cast.organization(ines, seats=2)


@pytest.fixture
def three(cast, acme, ines):
    return [cast.member(acme, name, ines) for name in ("Bob", "Cy", "Dee")]


def choose(client, deed, **form):
    return client.post("/acme/members/errands", data={"deed": deed, **form}, follow_redirects=True)


def ticked(*members):
    return {"who": [f"m{member.id}" for member in members]}


def newest():
    return db.session.scalar(db.select(Errand).order_by(Errand.id.desc()).limit(1))


def test_manage_members_offers_what_can_be_done_to_people_and_nothing_else(client, acme):
    page = client.get("/acme/members").text

    offered = re.findall(r'name="deed" value="([^"]+)"', page)
    assert offered == ["assign", "line-up", "revoke-seat", "resend", "revoke", "remove"]


def test_what_would_happen_is_said_before_anything_does(client, acme, three):
    page = choose(client, "assign", **ticked(*three)).text

    assert "<h1>Assign 2 Seats?</h1>" in page
    assert "It cannot be done to 1 person" in page
    assert "All 2 seats are in use. Buy more, or revoke one first." in page
    assert 'href="/acme/subscriptions">Buy Seats</a>' in page
    assert ">Assign 2 Seats</button>" in page
    assert "cy@acme.test" in page, "two people may have one name"
    assert seats.count(acme).used == 0


def test_a_small_errand_is_done_when_it_is_begun_and_says_what_became_of_each(client, acme, three):
    choose(client, "assign", **ticked(*three))

    page = client.post(f"/acme/members/errands/{newest().id}/begin", follow_redirects=True).text

    assert seats.count(acme).used == 2
    assert "of 3 done, 1 not possible" in page
    assert "Try Those Not Done Again" in page
    refused = client.get(f"/acme/members/errands/{newest().id}?outcome=refused").text
    assert "Dee" in refused
    assert ">Bob<" not in refused
    assert "Assign 3 Seats" in client.get("/acme/members/errands").text


def test_those_who_got_no_seat_can_be_put_in_line_at_once(client, acme, three):
    choose(client, "assign", **ticked(*three))
    full = client.post(f"/acme/members/errands/{newest().id}/begin", follow_redirects=True).text
    assert 'href="/acme/subscriptions">Buy Seats</a>' in full
    assert "Put the Rest in Line…" in full

    plan = client.post(f"/acme/members/errands/{newest().id}/line-up", follow_redirects=True).text
    done = client.post(f"/acme/members/errands/{newest().id}/begin", follow_redirects=True).text

    assert "<h1>Put in Line?</h1>" in plan
    assert "No seat is free" in plan
    assert "In line for the next seat." in done
    assert 'href="/acme/waitlist"' in done
    assert [place.membership for place in places.first(acme.id, 9)] == three[2:]


def test_a_full_organization_puts_all_in_line_in_their_order(client, acme, three):
    choose(client, "line-up", **ticked(*three))

    page = client.post(f"/acme/members/errands/{newest().id}/begin", follow_redirects=True).text

    assert re.search(r"<b class=\"u-b\">2</b><span[^>]*>A seat was free\.</span>", page)
    assert "of 3 done" in page
    assert [place.membership for place in places.first(acme.id, 9)] == three[2:]


def test_nobody_is_sent_to_buy_seats_for_those_who_have_one(client, acme, three, ines):
    for one in three[:2]:
        seats.assign(one, by=ines)

    page = choose(client, "assign", **ticked(*three[:2])).text

    assert "It cannot be done to 2 people" in page
    assert ">Buy Seats</a>" not in page
    assert "in Line" not in page


def test_those_refused_can_be_tried_again(client, acme, three, ines):
    choose(client, "assign", **ticked(*three))
    client.post(f"/acme/members/errands/{newest().id}/begin")
    subscriptions.resize(subscriptions.live(acme), 3, by=ines)

    page = client.post(f"/acme/members/errands/{newest().id}/again", follow_redirects=True).text

    assert "<h1>Assign Seat?</h1>" in page
    client.post(f"/acme/members/errands/{newest().id}/begin")
    assert seats.count(acme).used == 3


def test_rules_are_said_once_for_all_alike(client, acme, three, ines):
    for member in three[:2]:
        seats.assign(member, by=ines)

    page = choose(client, "revoke-seat", **ticked(*three), scope="page",
                  here=" ".join(f"m{one.id}" for one in [*three, acme.owner])).text  # fmt: skip

    assert "It cannot be done to 2 people" in page
    assert re.search(r"<b class=\"u-b\">2</b><span[^>]*>Has no seat\.</span>", page)


@pytest.mark.parametrize("deed", ["remove", "revoke-seat"])
def test_great_deeds_ask_for_the_password(client, acme, three, settings, deed):
    for one in three[:2]:
        seats.assign(one, by=acme.owner.account)
    choose(client, deed, **ticked(*three[:2]))
    settings.clock_offset += 11 * 60

    answer = client.post(f"/acme/members/errands/{newest().id}/begin")

    assert answer.status_code == 403
    assert "Password" in answer.text
    assert newest().state == "planned"


def test_everybody_who_matches_is_meant_and_nobody_else(client, acme, ines):
    crowd.gather(acme, 120, "crowd.test", by=ines)

    choose(client, "assign", scope="all", q="crowd", place="no-seat")

    meant = db.session.scalar(db.select(func.count()).select_from(errands.cases.Case))
    assert newest().number == meant > 0
    assert newest().number < 120


def test_a_large_errand_shows_how_far_it_is_and_goes_on_without_the_page(
    client, acme, three, monkeypatch
):
    monkeypatch.setattr(errands, "TOGETHER", 1)
    choose(client, "assign", **ticked(*three))
    at = f"/acme/members/errands/{newest().id}"

    page = client.post(f"{at}/begin", follow_redirects=True).text
    assert '<progress max="3" value="0"' in page
    assert 'hx-trigger="every 2s"' in page
    assert page.index("Dee") < page.index("</section>")  # outcomes are drawn anew with the rest
    while errands.go_on():
        pass

    page = client.get(at).text
    assert "<progress" not in page
    assert "of 3 done, 1 not possible" in page


def test_nobody_chosen_is_said_in_a_sentence(client, acme):
    assert "Choose at least one person." in choose(client, "assign").text
    assert newest() is None


@pytest.mark.parametrize("who", ["m", "x1", "m1 OR 1=1", "m99999999999", "i-1", "m0"])
def test_somebody_who_is_nobody_here_is_told_and_nothing_is_prepared(client, acme, three, who):
    for chosen in ([who], [*ticked(*three)["who"], who]):
        answer = choose(client, "remove", who=chosen)

        assert answer.status_code == 422
        assert "Somebody chosen is not among your people." in answer.text
        assert newest() is None


def test_people_of_another_organization_are_as_unknown_as_nobody(cast, client, acme, three):
    eve = cast.account("Eve")
    theirs = cast.organization(eve, "Theirs").owner_id

    answer = choose(client, "remove", who=[*ticked(*three)["who"], f"m{theirs}"])

    assert "Somebody chosen is not among your people." in answer.text
    assert newest() is None


def exported(client, **search):
    answer = client.post("/acme/members.csv", data=search)
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_an_export_that_would_be_one_download_too_many_is_refused_and_not_written_down(
    client, acme, three, monkeypatch
):
    monkeypatch.setattr(downloads, "OF_ONE", 1)
    monkeypatch.setattr(downloads, "running", downloads.Downloads())
    running = client.post("/acme/members.csv", buffered=False)
    before = db.session.scalar(db.select(func.count()).select_from(Action))

    answer = client.post("/acme/activity.csv")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert db.session.scalar(db.select(func.count()).select_from(Action)) == before
    running.close()
    assert client.post("/acme/activity.csv").status_code == 200


def test_the_list_is_exported_as_it_was_searched(client, acme, three, ines):
    assert [row["Name"] for row in exported(client, order="name")] == ["Bob", "Cy", "Dee", "Ines"]

    [bob] = exported(client, q="bob")

    assert (bob["Email"], bob["Role"], bob["State"]) == ("bob@acme.test", "Member", "accepted")
    assert db.session.scalar(
        db.select(func.count()).select_from(Action).filter_by(event="exports.members")
    ) == 1  # two clicks in a moment are one  # fmt: skip
    assert "exported the list of members" in client.get("/acme/activity").text


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_name_becomes_a_formula(cast, client, acme, ines, name):
    ines.name = name
    db.session.commit()

    assert [row["Name"] for row in exported(client)] == [f"'{name}"]


def test_an_export_of_many_pieces_has_everybody_once(client, acme, ines, monkeypatch):
    monkeypatch.setattr("web.exports.TOGETHER", 7)
    crowd.gather(acme, 60, "crowd.test", by=ines)

    rows = exported(client)

    assert len(rows) == len({row["Email"] for row in rows}) == 61


def test_an_admin_who_was_removed_begins_nothing(cast, client, acme, three, ines):
    roles.make_admin(three[0], by=ines)
    client.sign_in(three[0].account)
    choose(client, "assign", **ticked(three[1]))
    departures.remove(three[0], by=ines)

    assert client.post(f"/acme/members/errands/{newest().id}/begin").status_code == 404
    assert seats.count(acme).used == 0
