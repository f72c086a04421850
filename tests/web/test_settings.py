import pytest

from workflows import organizations, roles


@pytest.fixture
def acme(cast, ines):
    return cast.organization(ines)


def test_an_admin_renames_the_organization_and_the_id_stays(client, acme):
    answer = client.post("/acme/settings/name", data={"name": "Acme Robotics"})

    assert (answer.status_code, answer.location) == (303, "/acme/settings")
    page = client.get("/acme/settings").text
    assert "The organization is called “Acme Robotics” now." in page
    assert 'value="Acme Robotics"' in page
    assert "so it can never be changed." in page
    assert organizations.by_slug("acme").name == "Acme Robotics"


def test_an_admin_chooses_how_long_invitations_are_valid(client, acme):
    answer = client.post("/acme/settings/invitations", data={"days": " 30 "})

    assert answer.status_code == 303
    assert "New invitations are valid for 30 days." in client.get("/acme/settings").text
    assert organizations.by_slug("acme").invitation_days == 30


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ("0", "Choose between 1 and 60 days."),
        ("61", "Choose between 1 and 60 days."),
        ("-1", "Choose between 1 and 60 days."),
        ("1000000000", "Choose between 1 and 60 days."),
        ("1.5", "Type a whole number."),
        ("1_0", "Type a whole number."),
        ("٣", "Type a whole number."),
        ("9" * 400, "Type a whole number."),
        ("", "Type a whole number."),
    ],
)
def test_days_that_cannot_be_say_why_and_stay_as_typed(client, acme, days, sentence):
    answer = client.post("/acme/settings/invitations", data={"days": days})

    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{days}"' in answer.text
    assert organizations.by_slug("acme").invitation_days == 14


@pytest.mark.parametrize("name", ["", "x" * 65, "www.evil.test", "A\u0007b"])
def test_a_name_that_cannot_be_changes_nothing(client, acme, name):
    answer = client.post("/acme/settings/name", data={"name": name})

    assert answer.status_code == 422
    assert 'id="name-said"' in answer.text
    assert organizations.by_slug("acme").name == "Acme"


@pytest.mark.parametrize("role", ["make_billing_admin", "make_member"])
def test_whoever_is_no_admin_is_told_so(client, acme, cast, ines, role):
    bo = cast.member(acme, "Bo", by=ines)
    if role == "make_billing_admin":
        roles.make_billing_admin(bo, by=ines)
    client.sign_in(bo.account)

    assert client.get("/acme/settings").status_code == 403
    assert client.post("/acme/settings/name", data={"name": "Bo's"}).status_code == 403
    assert client.post("/acme/settings/invitations", data={"days": "3"}).status_code == 403
    assert (acme.name, acme.invitation_days) == ("Acme", 14)


def test_strangers_find_no_settings(client, acme, cast):
    client.sign_in(cast.account("Mallory"))

    assert client.get("/acme/settings").status_code == 404
    assert client.post("/acme/settings/name", data={"name": "Mine"}).status_code == 404
    assert client.post("/acme/settings/invitations", data={"days": "3"}).status_code == 404


def test_the_id_is_no_field_of_any_form(client, acme):
    answer = client.post("/acme/settings/name", data={"name": "Acme", "slug": "mine"})

    assert answer.status_code == 422
    assert organizations.by_slug("mine") is None
