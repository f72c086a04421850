"""The embedded mode's settings and its key, which is made once and kept beside the database."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from workflows.engine import safety
from workflows.engine.app import ROOT
from workflows.engine.settings import Settings


class CannotStart(Exception):
    """Why not, in sentences for the person at the terminal."""


def is_named(*names: str) -> bool:
    """Whether the environment, or a file it names, says this: then a deployment is meant."""
    return any(os.environ.get(name) or os.environ.get(f"{name}_FILE") for name in names)


def read_settings() -> Settings:
    """What the environment says; whatever is wrong with it stops the start."""
    ours, reasons = examined()
    if reasons:
        raise CannotStart("\n".join(reasons))
    return ours


def examined() -> tuple[Settings, list[str]]:
    """The embedded mode's settings: a database that the environment names is not for trying."""
    home = Path(os.environ.get("USHER_HOME") or ROOT / "var").absolute()
    database = f"sqlite:///{home}/usher.db"
    ours, reasons = safety.examine(
        embedded=True, usher_home=home, database_url=database, redis_url=""
    )
    if ours.mailbox:
        _loosen(ours)
    return ours, reasons


def _loosen(settings: Settings) -> None:
    """A hundred times the usual limits, and a password that proves for ten hours.

    Here one person plays everybody, from one network and within minutes, and no letter leaves: the
    limits would keep out nobody else. What the environment says about one stays.
    """
    unsaid = Settings.model_fields.keys() - settings.model_fields_set
    for name in (name for name in unsaid if name.startswith("limit_")):
        setattr(settings, name, re.sub(r"(\d+)/", r"\g<1>00/", getattr(settings, name)))
    if "proof_minutes" in unsaid:
        settings.proof_minutes = 600


def keep_a_key(settings: Settings) -> None:
    """Give the settings a key that lasts: made once, and never half written."""
    home = settings.usher_home
    kept = home / "secret_key"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if settings.secret_key:
            return
        if not kept.exists():
            _make_key(kept)
        kept.chmod(0o600)
        settings.secret_key = kept.read_text().strip()
    except OSError as error:
        raise CannotStart(f"Usher cannot keep its things in {home}: {error.strerror}.") from None
    if len(settings.secret_key) < 32:
        raise CannotStart(f"{kept} is damaged. Put back a copy of it.")


def kept_key(settings: Settings) -> str:
    """The key that was kept, "" where none was or it is another user's."""
    with suppress(OSError):
        return (settings.usher_home / "secret_key").read_text().strip()
    return ""


def _make_key(kept: Path) -> None:
    if (kept.parent / "usher.db").exists():
        raise CannotStart(
            f"{kept} is gone, but the database beside it was made with it.\n"
            "Put it back, or set SECRET_KEY to what it was."
        )
    fresh = kept.with_name(f"secret_key.{os.getpid()}")
    with fresh.open("x") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):  # another start was first
        os.link(fresh, kept)
    fresh.unlink()
