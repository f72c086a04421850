"""Links and secrets that can be made again."""

import pytest

from workflows.engine import seals
from workflows.engine.refusals import NotFound

NONCE = bytes(range(16))


def test_a_link_comes_back_as_what_was_sealed(app):
    assert seals.unseal("join", seals.seal("join", 17, 3)) == (17, 3)


def test_a_link_is_good_for_its_purpose_only(app):
    with pytest.raises(NotFound):
        seals.unseal("reset", seals.seal("join", 17))


@pytest.mark.parametrize("broken", ["", "x", "a.b.c", "é" * 9, "A" * 5000, "%00", "WzEsMF0."])
def test_a_forged_link_is_no_link(app, broken):
    with pytest.raises(NotFound):
        seals.unseal("join", broken)


def test_a_truncated_link_is_no_link(app):
    whole = seals.seal("join", 17)

    for length in range(len(whole)):
        with pytest.raises(NotFound):
            seals.unseal("join", whole[:length])


def test_a_secret_is_always_the_same_for_its_row_generation_and_nonce(app):
    secret = seals.make_secret("t", 1, 1, NONCE, "0")

    assert secret == seals.make_secret("t", 1, 1, NONCE, "0")
    others = {
        seals.make_secret("t", 2, 1, NONCE, "0"),
        seals.make_secret("t", 1, 2, NONCE, "0"),
        seals.make_secret("t", 1, 1, NONCE[::-1], "0"),
        seals.make_secret("u", 1, 1, NONCE, "0"),
        seals.make_secret("t", 11, 1, NONCE, "0"),
        seals.make_secret("t", 1, 11, NONCE, "0"),
    }
    assert secret not in others
    assert len(others) == 6


def test_a_secret_is_48_letters_and_digits(app):
    secret = seals.make_secret("t", 1, 1, NONCE, "0")

    assert len(secret) == 48
    assert secret.isalnum()
    assert secret.isascii()
    assert secret.startswith("usht")


def test_every_single_typing_error_is_seen_without_the_database(app):
    secret = seals.make_secret("t", 1, 1, NONCE, "0")

    for place in range(len(secret)):
        wrong = secret[:place] + ("a" if secret[place] != "a" else "b") + secret[place + 1 :]
        assert not seals.well_formed(wrong)
    assert seals.well_formed(secret)


def test_new_secrets_use_the_newest_key_and_old_ones_theirs(app, settings):
    settings.token_keys = "b=second,a=first"

    assert seals.current_key_id() == "b"
    old = seals.make_secret("t", 1, 1, NONCE, "a")
    assert old != seals.make_secret("t", 1, 1, NONCE, "b")
    settings.token_keys = "b=second"
    with pytest.raises(KeyError):
        seals.make_secret("t", 1, 1, NONCE, "a")


def test_a_link_sealed_with_a_former_key_still_opens(app, settings):
    app.config["SECRET_KEY"] = former = "Xq3-uT8vLr0_zKe5Yw2bNs7dHf1cJg9mPa4o"
    sealed = seals.seal("join", 7, 2)
    settings.old_secret_keys = former
    app.config["SECRET_KEY"] = "another key for tests, long enough to be one"

    assert seals.unseal("join", sealed) == (7, 2)

    settings.old_secret_keys = ""
    with pytest.raises(NotFound):
        seals.unseal("join", sealed)
