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

SECRETS = (
    "secret_key",
    "old_secret_keys",
    "token_keys",
    "database_url",
    "redis_url",
    "smtp_url",
    "metrics_token",
    "alarm_webhook",
    "alarm_key",
)
Limit = Annotated[str, Field(pattern=r"^[1-9]\d*/[1-9]\d*[smhd](, ?[1-9]\d*/[1-9]\d*[smhd])*$")]
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(BaseSettings):
    """The operator's decisions, validated."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True, extra="ignore")

    port: int = Field(default=8000, ge=1, le=65535)
    """The port Usher listens on."""
    host: str = "127.0.0.1"
    """The address `./usher up` listens on; the Procfile's web server listens on all."""
    base_url: str = Field(default="", examples=["https://usher.example.com"])
    """How people reach Usher: every link in a letter starts with it. https, except on this
    machine."""
    trusted_hosts: str = ""
    """More names that people may reach Usher by, beside that of BASE_URL: `a.example,b.example`.
    Pages are refused under any other."""
    trusted_proxies: int = Field(default=0, ge=0, le=9)
    """How many reverse proxies stand in front, each adding to CLIENT_HEADER. 0: nobody's word
    about a client's address is believed."""
    client_header: str = Field(default="X-Forwarded-For", pattern="^[A-Za-z][A-Za-z0-9-]*$")
    """The header in which the nearest proxy says whom it heard from: a list as in X-Forwarded-For,
    or as in Forwarded. A name without a hyphen cannot be forged with an underscore."""
    secret_key: str = Field(default="", repr=False)
    """Signs links and sessions: at least 32 characters, as `openssl rand -hex 32` makes them."""
    old_secret_keys: str = Field(default="", repr=False)
    """Former secret keys, `key,…`, newest first: links and sessions signed with them still work."""
    token_keys: str = Field(default="", repr=False)
    """Keys that tokens are made from, `id=key,…`, newest first. Empty: SECRET_KEY, with the
    id 0."""
    database_url: str = Field(
        default="", repr=False, examples=["postgresql://usher:password@localhost:5432/usher"]
    )
    """The database: postgresql://…, or sqlite:////path for one machine."""
    redis_url: str = Field(default="", repr=False, examples=["redis://localhost:6379/0"])
    """Where web and clock ring the workers: Redis or Valkey, redis://…, or rediss://… with TLS."""
    smtp_url: str = Field(
        default="", repr=False, examples=["smtp://user:password@mail.example.com:587"]
    )
    """The mail server. smtp:// uses verified STARTTLS except on loopback or with ?tls=off;
    smtps:// is TLS from the start."""
    mail_from: str = Field(default="usher@localhost", examples=["usher@example.com"])
    """The sender of every letter."""
    support_url: str = ""
    """Where people find help, in every letter and on every page. Empty: not shown."""
    repo_dir: str = ""
    """The folder of packages that Usher serves itself at /repo/. Empty: a reverse proxy asks the
    gate."""
    billing: Literal["pretend", "manual", "stripe"] = "pretend"
    """Who takes the money. So far only `pretend`: test cards and no money."""
    product_name: str = Field(default="Usher", min_length=1, max_length=60)
    """The name people see."""
    price_monthly: int = Field(default=2000, ge=0, le=10_000_000)
    """What a seat costs for a month, in minor units (cents)."""
    price_yearly: int = Field(default=24000, ge=0, le=10_000_000)
    """What a seat costs for a year, in minor units."""
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    """Three capitals, as on bills."""
    grace_days: int = Field(default=14, ge=0, le=365)
    """Days a past due subscription still works, while its card is charged again at each quarter."""
    proof_minutes: int = Field(default=10, ge=1)
    """For how long a typed password proves who acts, where that is asked for."""
    limit_log_in: Limit = "10/5m"
    """Wrong passwords for one address, and from one network. 10/5m: ten, then one each 30 s."""
    limit_sign_up: Limit = "10/1h"
    """Sign-ups from one network, and by one link of a letter."""
    limit_forgot: Limit = "20/1h"
    """Reset letters asked for from one network."""
    limit_sign_up_letters: Limit = "5/1d"
    """Sign-ups with one address from one network."""
    limit_reset_letters: Limit = "5/1d"
    """Reset letters asked for one address: in each browser its owner uses, and by all others."""
    limit_address_changes: Limit = "5/1d"
    """Changes of address that one person asks for, and letters about them to one address."""
    limit_again: Limit = "1/10s"
    """The same form for the same address from the same network."""
    limit_links: Limit = "20/1m"
    """Links that were never sealed, opened from one network."""
    limit_organizations: Limit = "20/1d"
    """Organizations that one person forms."""
    limit_invitations: Limit = "50/1d"
    """Unanswered invitations of one organization, or of one person for all that bought nothing."""
    limit_recipient: Limit = "3/1d, 10/30d"
    """Letters of invitation to one person: from all organizations, the rest leaves later; asked
    for by one of them, the rest is refused."""
    limit_resend: Limit = "1/10m"
    """One invitation sent again."""
    limit_ask: Limit = "1/1d"
    """New links asked for by the invited person, for one invitation."""
    limit_moves: Limit = "5/1d"
    """Invitations that one person asks to have moved to their own address."""
    limit_letters: Limit = "20/1d"
    """Letters of one kind to one person that others caused; the rest leaves later."""
    limit_reissue: Limit = "5/1h, 20/1d"
    """New secrets of one token."""
    metrics_token: str = Field(default="", repr=False)
    """Whoever asks for /metrics with `Authorization: Bearer` and this gets them. Empty: operators
    alone, logged in."""
    alarm_letters: bool = True
    """Whether operators get a letter when something is stuck for ten minutes, and when it is
    over."""
    alarm_webhook: str = Field(default="", repr=False)
    """Where a program is told the same, https://…; its answer must be 2xx. Empty: nowhere."""
    alarm_key: str = Field(default="", repr=False)
    """Signs the calls to ALARM_WEBHOOK: at least 32 characters, known to that program too."""
    journal: str = ""
    """A file on another disk than the database's, where the clock writes down which secrets ended,
    so that no backup brings them back. Empty: none is kept."""
    usher_home: Path = Path("var")
    """Where `./usher up` keeps its database, keys and mail."""
    clock_offset: float = Field(default=0, allow_inf_nan=False)
    """Seconds added to the clock; for tests only, refused in production."""
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
        given = set(self.model_fields_set)
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.base_url = (self.base_url or f"http://{host}:{self.port}").rstrip("/")
        for short in ("postgres://", "postgresql://"):
            if self.database_url.startswith(short):
                self.database_url = "postgresql+psycopg://" + self.database_url[len(short) :]
        self.model_fields_set.intersection_update(given)  # what we fill in, nobody decided
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

    @property
    def old_keys(self) -> list[str]:
        """Former secret keys, the newest first."""
        return [key.strip() for key in self.old_secret_keys.split(",") if key.strip()]

    @property
    def hosts(self) -> set[str]:
        """The names that people reach Usher by, in small letters and without a port."""
        names = [urlsplit(self.base_url).hostname or "", *self.trusted_hosts.split(",")]
        return {name.strip(" []").lower() for name in names if name.strip()}


class _Environment(EnvSettingsSource):
    """The environment, where an empty variable is one that is not set."""

    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        return {name: value for name, value in found.items() if value and name != "embedded"}


class _SecretFiles(PydanticBaseSettingsSource):
    """Secrets in files, as container platforms hand them over."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        file = secret_file(field_name) if field_name in SECRETS else None
        try:
            return (file.read_text().strip() if file else None), field_name, False
        except (OSError, UnicodeError):
            return None, field_name, False  # `safety` says why it could not be read

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(None, name)[0] for name in SECRETS}
        return {name: value for name, value in found.items() if value}


def secret_file(name: str) -> Path | None:
    """The file that the environment names for this secret."""
    named = os.environ.get(f"{name.upper()}_FILE")
    return Path(named) if named else None


def on_this_machine(url: str) -> bool:
    """Whether nobody else can come by this address."""
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:
        return False


def settings() -> Settings:
    """The settings of the app we are in."""
    return cast(Settings, current_app.extensions["usher"])
