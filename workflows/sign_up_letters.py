"""Sign-up letters: to whoever signs up, or to the owner of the address that was typed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from workflows.accounts import CONFIRM_WITHIN, SignUp, link, with_key
from workflows.engine import outbox
from workflows.engine.db import db, now
from workflows.engine.letters import Letter
from workflows.engine.rations import Ration
from workflows.engine.register import Made
from workflows.engine.settings import settings


def _another_opens_the_way(waiting: SignUp) -> bool:
    """Whether a letter to this very address left, whose link is good for another day."""
    good = select(SignUp.id).where(
        SignUp.email_key == waiting.email_key, SignUp.state == "waiting", SignUp.id != waiting.id,
        SignUp.since > now() - CONFIRM_WITHIN / 2,
    )  # fmt: skip
    left = select(Letter.id).where(Letter.template == "confirm_sign_up", Letter.state == "sent")
    return db.session.scalar(left.where(Letter.about_id.in_(good)).limit(1)) is not None


@outbox.letter("confirm_sign_up", about=SignUp, rationed=Ration(spare=_another_opens_the_way))
def to_confirm(waiting: SignUp, _: Any) -> Made:
    if waiting.state != "waiting":
        return None
    return waiting.email, {"name": waiting.name, "url": link("signup", waiting)}


@outbox.letter("sign_up_known", about=SignUp, rationed=True)
def to_known(waiting: SignUp, _: Any) -> Made:
    account = with_key(waiting.email_key)
    if account is None or account.state != "active":
        return None
    urls = {f"{page}_url": f"{settings().base_url}/{page}" for page in ("login", "forgot")}
    return account.email, {"name": account.name, **urls}
