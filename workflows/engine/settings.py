"""What the operator decides, read once from the environment.

Each name in capitals is an environment variable; a secret may also stand in a file named by
`<NAME>_FILE`. Outside the embedded mode nothing is guessed: what is missing stops the start.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from flask import current_app
from pydantic import Field, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

SECRETS = ("secret_key", "database_url", "redis_url", "smtp_url", "token_keys")
Limit = Annotated[str, Field(pattern=r"^[1-9]\d*/[1-9]\d*[smhd](, ?[1-9]\d*/[1-9]\d*[smhd])*$")]
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(BaseSettings):
    """The operator's decisions, validated."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True, extra="ignore")

    port: int = 8000
    """The port Usher listens on."""
    host: str = "127.0.0.1"
    """The address Usher listens on."""
    base_url: str = ""
    """How people reach Usher; every link in a letter starts with it."""
    secret_key: str = ""
    """Signs links and sessions; at least 32 characters."""
    token_keys: str = ""
    """Epoch keys of tokens, `id=key,…`, newest first; empty: made from the secret key."""
    database_url: str = ""
    """postgresql://… or sqlite:///…."""
    redis_url: str = ""
    """Where the workers are rung, redis://…."""
    smtp_url: str = ""
    """smtp://user:pass@host:port with STARTTLS, or smtps://…."""
    mail_from: str = "usher@localhost"
    """The sender of every letter."""
    support_url: str = ""
    """Where people find help; shown on every page and in every letter."""
    repo_dir: str = ""
    """The folder served at /repo/; empty: a reverse proxy serves it."""
    billing: Literal["pretend", "manual", "stripe"] = "pretend"
    """Who takes the money."""
    product_name: str = "Usher"
    """The name people see."""
    price_monthly: int = Field(default=2000, ge=0)
    """Per seat and month, in minor units."""
    price_yearly: int = Field(default=24000, ge=0)
    """Per seat and year, in minor units."""
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    """Three capitals, as on bills."""
    grace_days: int = Field(default=14, ge=0)
    """How many days a past due subscription still works."""
    proof_minutes: int = Field(default=10, ge=1)
    """For how long a typed password proves who acts, where that is asked for."""
    limit_log_in: Limit = "10/5m"
    """Wrong passwords for one address, and from one network. 10/5m: ten, then one each 30 s."""
    limit_sign_up: Limit = "10/1h"
    """Sign-ups from one network."""
    limit_forgot: Limit = "20/1h"
    """Reset letters asked for from one network."""
    limit_sign_up_letters: Limit = "5/1d"
    """Sign-ups with one address."""
    limit_reset_letters: Limit = "5/1d"
    """Reset letters asked for one address."""
    limit_again: Limit = "1/10s"
    """The same form for the same address from the same network."""
    limit_links: Limit = "20/1m"
    """Links that were never sealed, opened from one network."""
    limit_organizations: Limit = "20/1d"
    """Organizations that one person forms."""
    limit_invitations: Limit = "50/1d"
    """Unanswered invitations of one organization, or of one person for all that bought nothing."""
    limit_recipient: Limit = "3/1d, 10/30d"
    """Invitations to one person, from all organizations."""
    limit_resend: Limit = "1/10m"
    """One invitation sent again."""
    limit_letters: Limit = "20/1d"
    """Letters to one person that others caused; the rest leaves later."""
    limit_reissue: Limit = "5/1h, 20/1d"
    """New secrets of one token."""
    usher_home: Path = Path("var")
    """Where the embedded mode keeps its database, keys and mail."""
    clock_offset: float = 0
    """Seconds added to the clock; for tests only."""
    embedded: bool = False
    """Set by `./usher up` alone, never by the environment."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the files it names."""
        return init_settings, _Environment(settings_cls), _SecretFiles(settings_cls)

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.base_url = (self.base_url or f"http://{host}:{self.port}").rstrip("/")
        for short in ("postgres://", "postgresql://"):
            if self.database_url.startswith(short):
                self.database_url = "postgresql+psycopg://" + self.database_url[len(short) :]
        return self

    @property
    def offset(self) -> timedelta:
        return timedelta(seconds=self.clock_offset)

    @property
    def mailbox(self) -> Path | None:
        """The folder of the embedded mode's mailbox; None where letters leave by SMTP."""
        return self.usher_home / "mail" if self.embedded and not self.smtp_url else None

    @property
    def repository(self) -> Path | None:
        """The folder that Usher itself serves; None leaves it to a reverse proxy."""
        if self.repo_dir:
            return Path(self.repo_dir)
        return self.usher_home / "repo" if self.embedded else None

    @property
    def epochs(self) -> dict[str, str]:
        """Key id → key for making token secrets; the first is used for new ones."""
        pairs = (pair.partition("=") for pair in self.token_keys.split(",") if pair)
        return {name: key for name, _, key in pairs} or {"0": self.secret_key}

    def why_unsafe(self) -> list[str]:
        """What keeps this from starting, a sentence for each reason; embedded, little does."""
        billing = f"BILLING={self.billing} is not there yet: leave it out, or set it to pretend."
        reasons = [] if self.billing == "pretend" else [billing]
        if self.embedded:
            weak = bool(self.secret_key) and len(self.secret_key) < 32
            return reasons + ["SECRET_KEY is shorter than 32 characters."] * weak
        checks = {
            "SECRET_KEY is missing or shorter than 32 characters.": len(self.secret_key) < 32,
            "DATABASE_URL is missing.": not self.database_url,
            "REDIS_URL is missing.": not self.redis_url,
            "SMTP_URL is missing, so no letter could leave.": not self.smtp_url,
            "SMTP_URL must begin with smtp:// or smtps://.": bool(self.smtp_url)
            and not self.smtp_url.startswith(("smtp://", "smtps://")),
            "A key in TOKEN_KEYS is shorter than 32 characters.": bool(self.token_keys)
            and min(map(len, self.epochs.values())) < 32,
            "BASE_URL is missing, and every link in a letter begins with it.": (
                "base_url" not in self.model_fields_set
            ),
            "CLOCK_OFFSET is for tests only.": self.clock_offset != 0,
            "BASE_URL must begin with https:// unless it is on this machine.": not (
                self.base_url.startswith("https://") or on_this_machine(self.base_url)
            ),
        }
        return reasons + [sentence for sentence, unsafe in checks.items() if unsafe]


class _Environment(EnvSettingsSource):
    """The environment, where an empty variable is one that is not set."""

    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        return {name: value for name, value in found.items() if value and name != "embedded"}


class _SecretFiles(PydanticBaseSettingsSource):
    """Secrets in files, as container platforms hand them over."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        file = os.environ.get(f"{field_name.upper()}_FILE") if field_name in SECRETS else None
        return (Path(file).read_text().strip() if file else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(None, name)[0] for name in SECRETS}
        return {name: value for name, value in found.items() if value}


def on_this_machine(url: str) -> bool:
    """Whether nobody else can come by this address."""
    return urlsplit(url).hostname in LOOPBACK


def settings() -> Settings:
    """The settings of the app we are in."""
    return cast(Settings, current_app.extensions["usher"])
