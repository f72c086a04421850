"""A takeout tells a person what is known of them, and nothing of anybody else."""

import pytest
from people import PASSWORD

from workflows import address_changes, profiles, roles, sessions, takeouts


@pytest.fixture
def bo(cast, ann):
    return cast.seated(cast.organization(ann, seats=2), "Bo", ann)


def taken(account):
    """The whole takeout, as it is put together for a file."""
    found = {}
    for name in takeouts.LISTS:
        found[name], after = [], 0
        while after is not None:
            entries, after = takeouts.portion(name, account, after)
            found[name] += entries
    return found


def test_it_has_all_that_happened_to_a_person(cast, ann, bo):
    cast.secret(bo)
    person = bo.account
    sessions.open_session(person, browser="Firefox on Linux", network="192.0.2.0/24")
    address_changes.ask(person, "bo@else.test")
    profiles.rename("Bo Diddley", by=person)

    told = taken(person)

    assert takeouts.facts(person)["email"] == "bo@acme.test"
    assert [(one["organization"], one["role"]) for one in told["memberships"]] == [
        ("acme", "member")
    ]
    assert [one["invited_by"] for one in told["invitations"]] == ["Ann"]
    assert [one["generation"] for one in told["tokens"]] == [1]
    assert [one["browser"] for one in told["sessions"]] == ["Firefox on Linux"]
    assert [one["to"] for one in told["address_changes"]] == ["bo@else.test"]
    assert {"arrivals.arrive", "tokens.activate", "profiles.rename"} <= {
        one["event"] for one in told["actions"]
    }
    assert {(one["kind"], one["event"]) for one in told["steps"]} >= {
        ("memberships", "begin"), ("tokens", "activate"), ("invitations", "seat"),
    }  # fmt: skip


def test_it_says_nothing_of_others_and_holds_no_secret(cast, ann, bo):
    secret = cast.secret(bo)
    cy = cast.seated(bo.organization, "Cy", ann)
    address_changes.ask(cy.account, "cy@else.test")

    told = str(taken(bo.account)) + str(takeouts.facts(bo.account))

    for word in (
        "Cy",
        "cy@",
        "ann@acme.test",
        PASSWORD,
        "argon2",
        secret,
        bo.account.password_hash,
    ):
        assert word not in told


def test_what_an_admin_did_to_others_is_told_as_done_not_to_whom(cast, ann, bo):
    roles.make_admin(bo, by=ann)

    told = taken(ann)

    assert "roles.make_admin" in {one["event"] for one in told["actions"]}
    assert bo.id not in {one["row"] for one in told["steps"] if one["kind"] == "memberships"}


def test_the_portions_make_one_list_without_gap_or_repeat(ann, bo, monkeypatch):
    whole = taken(bo.account)

    monkeypatch.setattr(takeouts, "PORTION", 2)

    assert taken(bo.account) == whole
    assert len(whole["steps"]) > 2
