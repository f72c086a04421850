"""What people type: explicit schemas, one value for each field, a sentence for each mistake.

A schema is a pydantic model; write limits into it: `name: str = Field(max_length=64)`. Several
values are taken only by a field that is a `list`. What is typed into a field with `repr=False`, or
one that is called a password, is never shown again.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, TypeVar, get_args, get_origin

from flask import g, request
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from workflows.engine.refusals import Invalid

Form = TypeVar("Form", bound=BaseModel)
LONGEST = 200_000  # characters in one field, unless its schema lets it have more
PROOF = "proof"  # the password, typed again before some deeds
# `shown`: which row the page was about; `back`: where the person came from
OURS = {"csrf_token", "shown", "back", PROOF, "proof_of"}
OF_ONE_PAGE = OURS - {"shown"}  # what another page has of its own
NUMBER = re.compile(r"-?[0-9]{1,18}")

SENTENCES = {
    "missing": "Fill this in.",
    "string_type": "Fill this in.",
    "string_too_long": "This is longer than {max_length} characters.",
    "int_parsing": "Type a whole number.",
    "int_from_float": "Type a whole number.",
    "int_parsing_size": "This number is too large.",
    "greater_than_equal": "Choose {ge} or more.",
    "less_than_equal": "Choose {le} or less.",
    "literal_error": "Choose one of these.",
    "bool_parsing": "Choose one of these.",
    "value_error": "{error}",
}


def read(schema: type[Form]) -> Form:
    """The submitted form as its schema, or `Invalid` with a sentence for each field."""
    fields = schema.model_fields
    g.secret = {name for name, field in fields.items() if not field.repr}
    if set(request.form) - OURS - set(fields):
        raise Invalid(form="This form was sent with a field that it does not have.")
    typed, wrong = {}, {}
    for name in (name for name in fields if name in request.form):
        values = request.form.getlist(name)
        if sentence := _why_not(values, fields[name]):
            wrong[name] = sentence
        typed[name] = values if _is_list(fields[name]) else values[0]
    try:
        form = schema.model_validate(typed)
    except ValidationError as error:
        wrong = {_field(one): _sentence(one) for one in reversed(error.errors())} | wrong
    if wrong:
        raise Invalid(**{name: wrong[name] for name in [*fields, "form"] if name in wrong})
    return form


def typed() -> dict[str, str]:
    """What was typed, to be shown again: never a secret."""
    hidden = OURS | g.get("secret", set())
    return {
        name: value
        for name, value in request.form.items()
        if name and name not in hidden and "password" not in name  # a broken part has no name
    }


def _why_not(values: list[str], field: FieldInfo) -> str | None:
    """What no schema would notice; a field that comes twice is a mistake or an attack."""
    if len(values) > 1 and not _is_list(field):
        return "This was sent twice. Send it once."
    for value in values:
        if len(value) > max(LONGEST, _declared(field)):
            return "This is too long."
        if any(_unprintable(letter) for letter in value):
            return "This contains characters that cannot be shown."
        if field.annotation is int and not NUMBER.fullmatch(value.strip()):
            return "Type a whole number."
    return None


def _declared(field: FieldInfo) -> int:
    """How long the schema says that the field may be."""
    return max((getattr(rule, "max_length", None) or 0 for rule in field.metadata), default=0)


def _is_list(field: FieldInfo) -> bool:
    kinds = (field.annotation, *get_args(field.annotation))
    return any(get_origin(kind) is list for kind in kinds)


def _unprintable(letter: str) -> bool:
    """Control characters but line breaks and tabs, halves of characters, and none at all."""
    return letter not in "\r\n\t" and unicodedata.category(letter) in ("Cc", "Cs", "Cn")


def _field(error: Any) -> str:
    return str(error["loc"][0]) if error["loc"] else "form"


def _sentence(error: Any) -> str:
    sentence = SENTENCES.get(error["type"], "This cannot be used.")
    return sentence.format(**error.get("ctx", {}))
