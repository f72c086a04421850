"""From what somebody has in their hand to the workflow, at a cost that has an end."""

import inspect

import pytest

from workflows import arrivals, guest_lists, invitations, lookups, mailrooms, prospects, tokens
from workflows.accounts import Account
from workflows.engine import masks, outbox, windows
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.engine.machine import Stateful
from workflows.engine.register import REGISTER
from workflows.invitations import Invitation
from workflows.mailrooms import Search


@pytest.fixture
def ada(cast):
    return cast.account("Ada")


@pytest.fixture
def acme(cast, ada):
    return cast.organization(ada, "Acme", seats=2)


def names(found):
    return [one.account.name for one in found.people]


def test_a_whole_address_finds_the_person_with_all_memberships_and_invitations(cast, acme, ada):
    bo = cast.member(acme, "Bo", by=ada)
    bolt = cast.organization(ada, "Bolt")
    arrivals.accept(cast.invitation(bolt, bo.account.email, ada), by=bo.account)
    guest_lists.invite(acme, "bob@acme.test", by=ada)

    found = lookups.find("BO@acme.test")

    assert names(found) == ["Bo"]
    assert [one.organization.slug for one in found.people[0].memberships] == ["bolt", "acme"]
    assert {one.email for one in found.invitations} == {"bo@acme.test"}


def test_a_part_of_an_address_or_a_name_finds_too(cast, acme, ada):
    cast.member(acme, "Hana", by=ada)

    assert names(lookups.find("han")) == ["Hana"]
    assert names(lookups.find("ana")) == ["Hana"]
    assert names(lookups.find("na@acme")) == ["Hana"]
    assert [one.email for one in lookups.find("hana").invitations] == ["hana@acme.test"]
    assert lookups.find("nobody-like-that").nothing


@pytest.mark.parametrize("words", ["%", "_", "\\", "'", "a%", "%@%"])
def test_signs_of_a_pattern_are_signs(cast, acme, ada, words):
    assert lookups.find(words).people == []


def test_an_organization_is_found_by_its_id_and_by_a_part_of_its_name(acme):
    assert [one.slug for one in lookups.find("acme").organizations] == ["acme"]
    assert [one.slug for one in lookups.find("CM").organizations] == ["acme"]


def test_numbers_message_ids_and_addresses_of_pages_find_the_row(cast, acme, ada):
    asked = cast.invitation(acme, "bo@acme.test", ada)
    letter = db.session.scalars(db.select(Letter).order_by(Letter.id.desc())).first()

    assert lookups.find(letter.message_id).letters == [letter]
    assert lookups.letter_of(letter.message_id) is letter
    for named in (str(asked.id), f"no. {asked.id}"):  # as the pages write it
        assert asked in lookups.find(named).invitations
    assert lookups.find(f"/acme/invitations/{asked.id}").invitations == [asked]
    assert names(lookups.find(f"https://x.test/acme/members/{acme.owner_id}")) == ["Ada"]
    for none in ("99999999999999999", "letter-99999999999.x", "0", "/members/2147483648"):
        assert lookups.find(none).letters in ([], ())


def test_somebody_who_only_signed_up_is_found(cast):
    cast.account("Ada")
    from_page = lookups.find("ada@acme.test")

    assert names(from_page) == ["Ada"]
    assert from_page.sign_ups == []


def test_a_search_goes_on_where_the_page_before_stopped(cast, acme, ada, monkeypatch):
    monkeypatch.setattr(windows, "LOOKED_AT", 3)
    for name in ("one", "two", "three", "four", "five", "six", "seven"):
        guest_lists.invite(acme, f"{name}.x@acme.test", by=ada)

    first = lookups.find("e.x@acme")
    seen, before = [one.email for one in first.invitations], first.before["invitations"]
    while before:
        page = lookups.find("e.x@acme", "invitations", before)
        seen += [one.email for one in page.invitations]
        before = page.before.get("invitations")

    assert seen == ["five.x@acme.test", "three.x@acme.test", "one.x@acme.test"]


def plan(statement):
    """How the database answers this, in its own words."""
    compiled = statement.compile(db.engine, compile_kwargs={"literal_binds": True})
    if db.engine.dialect.name == "sqlite":
        rows = db.session.execute(db.text(f"EXPLAIN QUERY PLAN {compiled}".replace(":", "\\:")))
        return "\n".join(row[3] for row in rows)
    db.session.execute(db.text("SET LOCAL enable_seqscan = off"))
    rows = db.session.execute(db.text(f"EXPLAIN {compiled}".replace(":", "\\:").replace("%", "%%")))
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("kind", "index"),
    [
        (Account, "email_key|accounts_by_address|autoindex_accounts"),
        (Invitation, "invitations_by_key"),
    ],
)
def test_the_beginning_of_an_address_is_answered_by_an_index(acme, kind, index):
    told = plan(db.select(kind.id).where(windows.begins(kind.email_key, "ha")).limit(20))

    assert any(name in told for name in index.split("|")), told
    assert "SCAN" not in told.replace("Index Only Scan", "").replace("Index Scan", "")


@pytest.mark.parametrize(
    ("search", "index"),
    [
        (Search(state="dead"), "letters_by_state"),
        (Search(domain="acme.test"), "letters_by_domain"),
        (Search(cause="550"), "letters_by_cause"),
        (Search(organization_id=1), "ix_letters_organization_id_id"),
        (Search(state="dead", cause="550", kind="token"), "letters_by_cause"),
    ],
)
def test_each_filter_of_letters_has_its_index(acme, search, index):
    found, _ = mailrooms._conditions(search)

    told = plan(db.select(Letter.id).where(*found).order_by(Letter.id.desc()).limit(51))

    assert index in told, told


def test_letters_are_found_by_address_domain_state_kind_and_place(cast, acme, ada):
    cast.member(acme, "Bo", by=ada)
    cast.deliver()
    guest_lists.invite(acme, "cy@else.test", by=ada)
    for claim in outbox.claim(10, "test"):
        outbox.compose(claim)
        outbox.bounced(claim, "550 no")

    def found(**asked):
        return [(one.template, one.domain) for one in mailrooms.look_up(Search(**asked)).rows]

    assert found(state="bounced") == [("invitation", "else.test")]
    assert found(domain="else.test", kind="token") == []
    assert found(cause="550 no", organization_id=acme.id) == [("invitation", "else.test")]
    assert found(address="ada@acme.test") == [("confirm_sign_up", None)]  # moot: confirmed already
    assert {kind for kind, _ in found(address="bo@acme.test")} == {
        "invitation", "invitation_accepted",
    }  # fmt: skip
    assert [(one.state, one.cause, one.number) for one in mailrooms.causes()] == [
        ("bounced", "550 no", 1)
    ]
    assert mailrooms.numbers()["bounced"] == 1


def test_looking_at_a_letter_makes_no_secret_and_shows_no_link(cast, acme, ada):
    bo = cast.seated(acme, "Bo", by=ada)
    tokens.activate(tokens.of(bo), by=bo.account)  # its letter has not left yet
    asked = cast.invitation(acme, "cy@acme.test", ada)
    db.session.rollback()

    told = " ".join(str(mailrooms.contents(one)) for one in db.session.scalars(db.select(Letter)))

    assert invitations.link(asked).rpartition("/")[2] not in told
    assert f"/join/{masks.MASK}" in told
    assert tokens.of(bo).current.digest is None


def test_a_recipe_that_locks_is_not_run_to_be_looked_at():
    locking = {
        name for name, known in REGISTER.items() if "lock(" in inspect.getsource(known.recipe)
    }

    assert locking == mailrooms.SECRET


@pytest.mark.parametrize("kind", prospects.WHO)
def test_whoever_brings_an_event_about_has_a_name(kind):
    [machine] = {one.machine for one in Stateful.__subclasses__() if one.__tablename__ == kind}

    events = {event for _, event, _ in machine.arrows()} - prospects.BEGINNINGS
    assert events == set(prospects.WHO[kind])
