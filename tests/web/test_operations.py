"""The pages for whoever runs Usher: from “a member never got the token” to the remedy."""

import re
from urllib.parse import urlencode

import pytest
from ailing import change, refuse_all
from click.testing import CliRunner
from people import PASSWORD

from web import cli
from workflows import (
    accounts,
    guest_lists,
    invitations,
    memberships,
    operators,
    resets,
    roles,
    seats,
    subscriptions,
    tokens,
)
from workflows.engine import outbox
from workflows.engine.db import command, db, now
from workflows.engine.history import Action
from workflows.engine.letters import Letter
from workflows.invitations import Invitation

WHY = {"why": "they asked on the phone"}


@pytest.fixture
def marta(cast, client):
    account = operators.make_operator(cast.account("Marta", "marta@ops.test").email)
    client.sign_in(account)
    return account


@pytest.fixture
def ada(cast):
    return cast.account("Ada")


@pytest.fixture
def acme(cast, ada, marta):
    acme = cast.organization(ada, seats=3)
    cast.deliver()
    return acme


def text(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def bounce(reply="550 5.1.1 no such mailbox"):
    for claim in outbox.claim(100, "post-1"):
        if outbox.compose(claim):
            outbox.bounced(claim, reply)


def letter_of(template):
    return db.session.scalars(db.select(Letter).filter_by(template=template)).one()


def test_from_a_member_without_a_token_to_the_cause_in_three_clicks_to_the_remedy_in_five(
    cast, client, acme, ada
):
    bo = cast.seated(acme, "Bo", by=ada)
    cast.deliver()
    tokens.activate(tokens.of(bo), by=bo.account)
    bounce("550 5.2.2 mailbox full")

    found = client.get("/status/search?q=bo@acme.test")  # one
    [person] = set(re.findall(r"/status/memberships/\d+", found.text))
    page = client.get(person)  # two
    assert "The token letter bounced." in page.text
    assert "550 5.2.2 mailbox full" in page.text
    retry = re.search(r"/status/letters/\d+/retry", page.text)[0]
    assert "Why" in text(client.get(retry))  # three
    done = client.post(retry, data=WHY)  # four

    assert done.status_code == 303
    assert letter_of("token").state == "pending"
    assert "Verifying" in text(client.get(done.location))
    again = text(client.get(person))
    assert "Marta, an operator, let a letter that failed begin anew" in again
    assert "they asked on the phone." in again
    assert cast.deliver()[-1].facts["token"]


def test_the_way_of_a_person_is_one_page(cast, client, acme, ada):
    bo = cast.seated(acme, "Bo", by=ada)
    asked = db.session.scalars(db.select(Invitation).filter_by(membership_id=bo.id)).one()
    page = f"/status/memberships/{bo.id}"

    for other in (f"invitations/{asked.id}", f"tokens/{tokens.of(bo).id}",
                  f"seats/{seats.of(bo).id}"):  # fmt: skip
        assert client.get(f"/status/{other}").location == page
    assert "Seat letter: next try" in text(client.get(page))
    cast.deliver()
    told = text(client.get(page))
    for words in ("Ada invited bo@acme.test", "Bo signed up and accepted the invitation",
                  "Ada assigned a seat to Bo", "The holder Activate", "The person’s turn",
                  "Another admin Make admin"):  # fmt: skip
        assert words in told, words
    assert "Your turn" not in told


def test_what_the_commands_forbid_is_shown_with_the_rules_own_sentence(cast, client, acme, ada):
    bo = cast.member(acme, "Bo", by=ada)
    lost = cast.invitation(acme, "lost@acme.test", ada)
    invitations.revoke(lost, by=ada)

    assert "Bo has no seat." in text(client.get(f"/status/memberships/{bo.id}"))
    assert "This invitation was revoked." in text(client.get(f"/status/invitations/{lost.id}"))
    refused = client.post(f"/status/invitations/{lost.id}/resend", data=WHY)
    assert refused.status_code == 409
    assert "This invitation was revoked." in text(refused)


@pytest.mark.parametrize(
    ("deed", "state"), [("resend", "sent"), ("expire", "expired"), ("revoke", "revoked")]
)
def test_an_operator_moves_an_invitation_and_the_admins_read_why(
    cast, client, acme, ada, deed, state
):
    asked = cast.invitation(acme, "cy@acme.test", ada)

    done = client.post(f"/status/invitations/{asked.id}/{deed}", data=WHY)

    assert done.status_code == 303
    assert db.session.get(Invitation, asked.id).state == state
    client.sign_in(ada)
    told = text(client.get("/acme/activity"))
    assert "An operator" in told
    assert "they asked on the phone." in told
    assert "Marta" not in told


def test_an_operator_gives_and_takes_a_seat_and_mails_the_letter_again(cast, client, acme, ada):
    bo = cast.member(acme, "Bo", by=ada)
    at = f"/status/memberships/{bo.id}"

    assert client.post(f"{at}/assign", data=WHY).status_code == 303
    assert client.post(f"{at}/mail-again", data=WHY).status_code == 409  # it is on its way
    cast.deliver()
    assert client.post(f"{at}/mail-again", data=WHY).status_code == 303
    assert cast.deliver()[-1].template == "seat_assigned"
    assert client.post(f"{at}/revoke-seat", data=WHY).status_code == 303
    assert seats.of(bo) is None


def test_an_operator_corrects_the_address_of_a_letter_that_bounced(cast, client, acme, ada, marta):
    guest_lists.invite(acme, "cy@acme.tset", by=ada)
    asked = db.session.scalars(db.select(Invitation)).one()
    bounce()
    page = client.get(f"/status/letters/{letter_of('invitation').id}")
    correct = f"/status/invitations/{asked.id}/correct"
    assert f'formaction="{correct}"' in page.text
    assert 'value="cy@acme.tset"' in client.get(correct).text

    done = client.post(correct, data={"email": "cy@acme.test", **WHY})

    right = db.session.scalars(db.select(Invitation).filter_by(email="cy@acme.test")).one()
    assert done.location == f"/status/invitations/{right.id}"
    assert (db.session.get(Invitation, asked.id).state, right.state) == ("revoked", "sent")
    assert (right.instead_of, right.invited_by_id) == ("cy@acme.tset", ada.id)
    [letter] = [one for one in cast.deliver() if one.to == "cy@acme.test"]
    assert letter.facts["inviter_name"] == "Ada"
    named = text(client.get(done.location))
    assert "Marta, an operator, corrected the address of an invitation" in named
    client.sign_in(ada)
    told = text(client.get("/acme/activity"))
    assert "An operator corrected the address of an invitation" in told
    assert "cy@acme.tset became cy@acme.test: they asked on the phone." in told
    assert "Marta" not in told


def test_an_operator_appoints_an_owner_and_it_is_told_wherever_it_concerns(
    cast, client, acme, ada, marta
):
    bo = cast.member(acme, "Bo", by=ada)
    place, at = f"/status/organizations/{acme.id}", f"/status/memberships/{bo.id}"
    roles.make_admin(bo, by=ada)
    assert f'href="{at}/appoint">Appoint Bo<' in client.get(place).text
    asked = text(client.get(f"{at}/appoint"))
    assert "Make Bo the owner?" in asked
    assert "Ada is the owner of “Acme” now, and stays an admin." in asked

    done = client.post(f"{at}/appoint", data=WHY)

    assert done.location == at
    assert acme.owner.account.name == "Bo"
    cast.deliver()
    told = "Marta, an operator, made Bo the owner"
    before = f"/status/memberships/{memberships.of(ada, acme).id}"
    for page in (at, before, place):
        assert told in text(client.get(page)), page
    assert "Letter to the new owner : handed over" in text(client.get(at))
    assert "Bo is the owner already." in text(client.get(f"{at}/appoint"))
    client.sign_in(bo.account)
    assert "An operator made Bo the owner" in text(client.get("/acme/activity"))


def test_on_the_command_line_an_owner_is_appointed_with_the_words_of_the_page(
    cast, acme, ada, marta
):
    bo = cast.member(acme, "Bo", by=ada)
    words = ["appoint", "acme", "bo@acme.test", "--by", marta.email]

    looked = CliRunner().invoke(cli.usher, words)

    assert "Make Bo the owner?" in looked.output
    assert "Ada is the owner of “Acme” now, and stays an admin." in looked.output
    assert "Nothing was done." in looked.output
    assert acme.owner.account.name == "Ada"
    done = CliRunner().invoke(cli.usher, [*words, "--why", "Ada is gone"])
    assert (
        f"Done, and written down: Appoint as Owner. See /status/memberships/{bo.id}." in done.output
    )
    assert acme.owner.account.name == "Bo"
    again = CliRunner().invoke(cli.usher, words)
    assert (again.exit_code, "Bo is the owner already." in again.output) == (1, True)
    unknown = CliRunner().invoke(cli.usher, ["appoint", "acme", "no@acme.test", *words[3:]])
    assert "“Acme” has no member with this address." in unknown.output


def test_a_bill_is_marked_as_paid_on_its_page_and_on_the_command_line(
    cast, client, acme, marta, settings
):
    bought = subscriptions.live(acme)
    at = f"/status/subscriptions/{bought.id}"
    assert "This subscription is active." in text(client.get(f"{at}/settle"))
    command(bought.fire)("fall_due", by=None)
    words = ["settle", "acme", "--by", marta.email]

    looked = CliRunner().invoke(cli.usher, words).output
    asked = text(client.get(f"{at}/settle"))

    for said in (looked, asked):
        assert "Mark the bill of “Acme” as paid?" in said
        assert "An invoice of $60.00 for 3 seats is written, as paid by other means." in said
    assert bought.state == "past_due"
    assert client.post(f"{at}/settle", data=WHY).location == at
    assert bought.state == "active"
    page = text(client.get(at))
    assert "Marta , an operator: settle" in page
    assert "Receipt of a settled bill" in page
    again = CliRunner().invoke(cli.usher, [*words, "--why", "The transfer came"])
    assert (again.exit_code, "This subscription is active." in again.output) == (1, True)
    nothing = cast.organization(marta, "Nothing Bought")
    none = CliRunner().invoke(cli.usher, ["settle", nothing.slug, "--by", marta.email])
    assert "has no subscription that could owe anything." in none.output
    unknown = CliRunner().invoke(cli.usher, ["settle", "nowhere", "--by", marta.email])
    assert "There is no organization with this ID." in unknown.output


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("cy@acme.test", "This is the address it went to."),
        ("bo@acme.test", "This address is a member already."),
        ("di@acme.test", "This address is invited already."),
        ("nothing", "@"),
        ("", "address"),
        ("cy@acme.test\r\nBcc: x@x.test", "address"),
    ],
)
def test_an_address_that_an_invitation_cannot_go_to_is_refused_to_operators_too(
    cast, client, acme, ada, typed, sentence
):
    cast.member(acme, "Bo", by=ada)
    cast.invitation(acme, "di@acme.test", ada)
    asked = cast.invitation(acme, "cy@acme.test", ada)
    at = f"/status/invitations/{asked.id}/correct"

    refused = client.post(at, data={"email": typed, **WHY})
    without = client.post(at, data={"email": "right@acme.test"})

    assert (refused.status_code, without.status_code) == (422, 422)
    assert sentence in text(refused)
    assert WHY["why"] in refused.text
    assert "right@acme.test" in without.text
    assert db.session.get(Invitation, asked.id).state == "sent"


def test_without_a_reason_nothing_happens_and_the_page_says_so(cast, client, acme, ada):
    asked = cast.invitation(acme, "cy@acme.test", ada)

    answer = client.post(f"/status/invitations/{asked.id}/revoke", data={"why": "  "})

    assert answer.status_code == 422
    assert "Say why." in text(answer)
    assert db.session.get(Invitation, asked.id).state == "sent"


def test_who_only_looks_sees_everything_and_is_told_why_nothing_can_be_done(
    cast, client, acme, ada, marta
):
    asked = cast.invitation(acme, "cy@acme.test", ada)
    operators.make_operator(marta.email, acting=False)
    at = f"/status/invitations/{asked.id}"

    assert "You may look at everything here, and change nothing." in text(client.get(at))
    assert client.post(f"{at}/revoke", data=WHY).status_code == 403
    assert client.post("/status/letters/pause", data={"domain": "a.test", **WHY}).status_code == 403
    assert db.session.get(Invitation, asked.id).state == "sent"


@pytest.mark.parametrize("who", ["Ada", "Bo", "Stranger"])
def test_to_members_admins_and_strangers_there_are_no_such_pages(cast, client, acme, ada, who):
    bo = cast.seated(acme, "Bo", by=ada)
    people = {"Ada": ada, "Bo": bo.account, "Stranger": cast.account("Stranger")}
    client.sign_in(people[who])

    for path in ("/status/search?q=ada", "/status/letters", "/status/letters/1",
                 "/status/letters/1/html", f"/status/memberships/{bo.id}",
                 f"/status/memberships/{bo.id}/assign", "/status/letters/pause"):  # fmt: skip
        assert client.get(path).status_code == 404, path
    for path in (f"/status/memberships/{bo.id}/revoke-seat", "/status/letters/pause"):
        assert client.post(path, data=WHY).status_code == 404, path
    assert seats.of(bo)


def test_no_page_shows_a_secret_or_a_link(cast, client, acme, ada):
    bo = cast.seated(acme, "Bo", by=ada)
    secret = cast.secret(bo)
    guest_lists.invite(acme, "cy@acme.test", by=ada)
    cast.deliver()
    links = {str(f).rpartition("/")[2] for one in cast.letters for f in one.facts.values()
             if "/join/" in str(f) or "/signup/" in str(f)}  # fmt: skip
    pages = ["/status/letters", "/status/search?q=bo", f"/status/memberships/{bo.id}"]
    pages += [f"/status/letters/{one}{end}" for one in db.session.scalars(db.select(Letter.id))
              for end in ("", "/html")]  # fmt: skip

    assert links
    for page in pages:
        shown = client.get(page).text
        assert secret not in shown
        assert not re.search(r"ush[a-z][0-9A-Za-z]{8,}", shown.replace("usher", "")), page
        assert not [link for link in links if link in shown], page


def links(answer, pattern):
    return [one.replace("&amp;", "&") for one in re.findall(f'href="({pattern})"', answer.text)]


@pytest.mark.parametrize(
    ("state", "reply", "ailment"),
    [
        ("dead", "451 4.7.1 not now", "letter-dead"),
        ("dead", "Usher cannot write this letter: KeyError.", "letter-unwritable"),
        ("bounced", "550 5.7.1 blocked", "letter-bounced"),
    ],
)
def test_letters_of_a_cause_are_retried_where_what_is_stuck_is(
    cast, client, acme, ada, state, reply, ailment
):
    guest_lists.invite(acme, "bo@slow.test, cy@slow.test", by=ada)
    bounce(reply)
    letters = db.session.scalars(db.select(Letter.id).filter_by(state="bounced")).all()
    change(Letter, letters, state=state)
    at = f"/status/stuck/{ailment}"

    listed = client.get("/status/letters")
    shown = client.get(f"/status/letters?{urlencode({'state': state, 'cause': reply})}")

    [of_cause] = links(listed, rf"{at}[^\"]*")
    assert "Retry: Those Ticked" in text(client.get(at))
    if state == "dead":
        assert "Retry 2 Letters?" in text(client.get(of_cause))
    [those] = links(shown, rf"{at}/retry[^\"]*")
    assert "Retry 2 Letters?" in text(client.get(those))
    done = client.post(f"{at}/retry", data={"row": letters, "number": 2, "until": now(), **WHY})
    assert "Verifying" in text(client.get(done.location))
    assert [db.session.get(Letter, one).state for one in letters] == ["pending"] * 2


def test_a_paused_domain_is_told_wherever_it_matters(cast, client, acme, ada):
    client.post("/status/letters/pause", data={"domain": "slow.test", **WHY})
    asked = cast.invitation(acme, "bo@slow.test", ada)
    cast.deliver()
    letter = letter_of("invitation")

    assert "Letters to slow.test are paused." in text(client.get("/status/letters"))
    assert "Paused" in text(client.get(f"/status/letters/{letter.id}"))
    assert "no letters go to that domain now" in text(client.get(f"/status/invitations/{asked.id}"))
    resume = re.search(r"/status/pauses/\d+/resume", client.get("/status/letters").text)[0]
    assert "Resume" in text(client.get(resume))
    assert client.post(resume, data=WHY).status_code == 303
    assert cast.deliver()[-1].to == "bo@slow.test"
    assert "are paused" not in text(client.get("/status/letters"))


HOSTILE = ["%00", "%", "'", "<script>", "%F0%9F%98%80", "a" * 3000, "-1", "%ED%A0%80", "[]", "1e9"]


@pytest.mark.parametrize("value", HOSTILE)
def test_whatever_is_asked_nothing_breaks(client, acme, value):
    for name in ("q", "state", "kind", "domain", "cause", "organization", "verifying"):
        assert client.get(f"/status/letters?{name}={value}").status_code == 200, name
    assert client.get(f"/status/search?q={value}").status_code == 200
    assert client.get(f"/status/search?q=a&kind={value}").status_code == 200
    for path in (f"/status/letters?before={value}", f"/status/search?q=a&before={value}",
                 f"/status/letters/{value}", f"/status/memberships/{value}",
                 f"/status/{value}/1/resend", f"/status/invitations/1/{value}"):  # fmt: skip
        assert client.get(path).status_code in (200, 404), path


@pytest.mark.parametrize("kind", ["memberships", "invitations", "tokens", "seats", "letters",
                                  "subscriptions", "sign-ups", "organizations"])  # fmt: skip
def test_what_is_not_there_is_not_there(client, acme, kind):
    assert client.get(f"/status/{kind}/987654").status_code == 404


def test_each_other_row_has_its_page(cast, client, acme, ada):
    accounts.sign_up("Di", "di@acme.test", "a password to test with")

    free = text(client.get("/status/seats/1"))
    assert "A seat that nobody has" in free
    assert "Active" in text(client.get("/status/subscriptions/1"))
    signed = client.get("/status/search?q=di@acme.test")
    page = text(client.get(re.search(r"/status/sign-ups/\d+", signed.text)[0]))
    assert "Whoever opens the letter" in page
    assert "Ada, ada@acme.test" in text(client.get(f"/status/organizations/{acme.id}"))


def test_what_a_request_did_is_found_by_its_id_with_its_rows_and_letters(cast, client, acme, ada):
    client.sign_in(ada)
    done = client.post("/acme/invitations/new", data={"addresses": "cy@acme.test, di@acme.test"})
    request_id = done.headers["X-Request-ID"]
    guest_lists.invite(acme, "eve@acme.test", by=ada)
    client.sign_in(operators.make_operator("marta@ops.test"))

    page = client.get(f"/status/search?q={request_id}")

    assert done.status_code == 303
    assert "Ada invited 2 people" in text(page)
    asked = db.session.scalars(db.select(Invitation).where(Invitation.email != "eve@acme.test"))
    posted = db.session.scalars(db.select(Letter).where(Letter.template == "invitation")).all()
    for one in asked:
        assert f'href="/status/invitations/{one.id}"' in page.text
    for letter in posted[:2]:
        assert f'href="/status/letters/{letter.id}"' in page.text
    assert f"/status/letters/{posted[2].id}" not in page.text
    assert "eve@acme.test" not in page.text


def test_a_request_that_changed_nothing_is_told_apart_from_one_that_is_not_there(client, acme):
    looked = client.get("/status/letters").headers["X-Request-ID"]

    assert "This request changed nothing" in text(client.get(f"/status/search?q={looked}"))
    assert "Nothing found" in text(client.get("/status/search?q=beadbeadbead"))


def test_what_somebody_did_to_their_own_account_is_found_too(client, acme, marta):
    done = client.post("/profile", data={"name": "Martha"})

    told = text(client.get(f"/status/search?q={done.headers['X-Request-ID']}"))

    assert "Martha : profiles.rename" in told


def test_what_the_clock_does_is_no_requests(cast, acme, ada):
    cast.invitation(acme, "cy@acme.test", ada)

    last = db.session.scalars(db.select(Action).order_by(Action.id.desc())).first()
    assert last.request_id is None


def test_letters_are_turned_over_page_by_page(cast, client, acme, ada):
    for number in range(6):
        guest_lists.invite(
            acme, ", ".join(f"p{number}-{one}@many.test" for one in range(10)), by=ada
        )

    first = client.get("/status/letters")
    older = re.search(r'href="(/status/letters\?before=\d+)"', first.text)[1]

    def rows(page):
        return set(re.findall(r'href="(/status/letters/\d+)"', page.text))

    assert len(rows(first)) >= 50
    assert rows(client.get(older)) - rows(first)


def test_an_organization_lists_its_people_with_whose_turn_it_is(cast, client, acme, ada):
    cast.member(acme, "Bo", by=ada)
    cast.invitation(acme, "cy@acme.test", ada)

    page = text(client.get(f"/status/organizations/{acme.id}"))
    assert "An admin’s turn: Has joined and waits for a seat." in page
    assert "0 of 3 in use" in page
    found = client.get(f"/status/organizations/{acme.id}?q=cy").text
    assert "cy@acme.test" in found
    assert "bo@acme.test" not in found.partition("Timeline")[0]
    for value in HOSTILE:
        path = f"/status/organizations/{acme.id}?q={value}&after={value}"
        assert client.get(path).status_code == 200


def test_a_letter_that_nobody_needs_is_set_aside(client, acme, ada):
    guest_lists.invite(acme, "bo@acme.test", by=ada)
    bounce()
    letter = letter_of("invitation")

    assert client.post(f"/status/letters/{letter.id}/set-aside", data=WHY).status_code == 303

    assert letter_of("invitation").state == "moot"
    assert "An operator set a letter aside" not in text(client.get("/acme/activity"))
    client.sign_in(ada)
    assert "An operator set a letter aside" in text(client.get("/acme/activity"))


def test_what_an_operator_does_asks_for_the_password_after_a_while(
    cast, client, acme, ada, settings
):
    asked = cast.invitation(acme, "noor@haddad.test", ada)
    settings.clock_offset += 11 * 60

    told = client.post(f"/status/invitations/{asked.id}/revoke", data=WHY)
    still = asked.state
    done = client.post(f"/status/invitations/{asked.id}/revoke", data={**WHY, "proof": PASSWORD})

    assert (told.status_code, still) == (403, "sent")
    assert "It is done under your name" in told.text
    assert (done.status_code, asked.state) == (303, "revoked")


def test_whom_no_letter_reaches_is_told_beside_the_person_and_the_organization(
    cast, client, acme, ada
):
    resets.ask_reset(ada.email)
    refuse_all()
    words = "550 5.1.1 No such mailbox (acme.test)"

    listed = text(client.get("/status/stuck/organization-unreachable"))
    assert words in listed
    assert "Acme" in listed
    for page in (f"/status/organizations/{acme.id}", f"/status/memberships/{acme.owner_id}"):
        assert words in text(client.get(page))
    client.sign_in(ada)
    assert "come back" not in text(client.get("/acme/members"))
