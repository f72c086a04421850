import pytest
from flask import jsonify
from pydantic import BaseModel, Field
from werkzeug.datastructures import MultiDict

from web import forms
from workflows.engine.refusals import Invalid


class Order(BaseModel):
    name: str = Field(max_length=10)
    seats: int = Field(1, ge=1, le=100)
    who: list[str] = []
    cvc: str = Field("", repr=False)


@pytest.fixture
def read(app):
    """What a schema makes of a form, or the sentences about it."""

    def read(data, schema=Order):
        with app.test_request_context("/", method="POST", data=MultiDict(data)):
            try:
                return forms.read(schema)
            except Invalid as refusal:
                return refusal.fields

    return read


def test_a_form_is_read_as_its_schema(read):
    form = read({"name": "Ada", "seats": "12", "csrf_token": "x"})

    assert (form.name, form.seats, form.who) == ("Ada", 12, [])


def test_a_list_takes_several_values(read):
    assert read([("name", "Ada"), ("who", "1"), ("who", "2")]).who == ["1", "2"]


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({}, {"name": "Fill this in."}),
        ({"name": "x" * 11}, {"name": "This is longer than 10 characters."}),
        ({"name": "a\0b"}, {"name": "This contains characters that cannot be shown."}),
        ({"name": "a\x85b"}, {"name": "This contains characters that cannot be shown."}),
        ([("name", "a"), ("name", "b")], {"name": "This was sent twice. Send it once."}),
        ({"name": "a", "seats": "0"}, {"seats": "Choose 1 or more."}),
        ({"name": "a", "seats": "101"}, {"seats": "Choose 100 or less."}),
        ({"name": "a", "admin": "1"}, "form"),
        ({"name": "a", "self": "1"}, "form"),
        ({"name": "a", "name[]": "1"}, "form"),
    ],
)
def test_what_does_not_fit_gets_one_sentence_at_its_field(read, typed, wrong):
    found = read(typed)

    assert found == wrong if isinstance(wrong, dict) else list(found) == [wrong]


@pytest.mark.parametrize("typed", ["", " ", "two", "1.0", "1e3", "1_0", "+5", "٣", "9" * 40, "0x1"])
def test_a_number_is_digits_and_nothing_else(read, typed):
    assert list(read({"name": "a", "seats": typed})) == ["seats"]


def test_the_sentences_come_in_the_order_of_the_fields(read):
    assert list(read({"seats": "none"})) == ["name", "seats"]


def test_a_secret_is_never_shown_again(app):
    data = {"name": "Ada", "cvc": "123", "password": "a secret", "csrf_token": "x"}
    with app.test_request_context("/", method="POST", data=data):
        with pytest.raises(Invalid):
            forms.read(Order)

        assert forms.typed() == {"name": "Ada"}


@pytest.mark.parametrize("body", [b"name=%ff%fe&seats=1", b"name=\xff\xfe", b"=&&=", b"name"])
def test_bytes_that_are_no_text_are_no_crash(app, client, body):
    app.add_url_rule(
        "/dev/form", view_func=lambda: jsonify(forms.read(Order).name), methods=["POST"]
    )

    answer = client.post("/dev/form", data=body, content_type="application/x-www-form-urlencoded")

    assert answer.status_code in (200, 400, 422)


def test_more_than_two_megabytes_are_refused_with_a_sentence(client):
    answer = client.post("/signup", data={"name": "x" * 2_100_000})

    assert answer.status_code == 413
    assert "At most 2 MB can be sent at once." in answer.text
