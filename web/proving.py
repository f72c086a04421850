"""Typing the password once more, before deeds that an unlocked computer must not be enough for.

What would surprise a reader: nothing is kept meanwhile. The page that asks holds the fields of the
form that was sent, and sends them to the same address again, now with the password.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import g, make_response, redirect, render_template, request

from web import errors, session
from web.forms import LONGEST, OF_ONE_PAGE, PROOF
from web.rows import of_this_organization
from web.session import View, wants_json
from workflows import log_ins
from workflows.engine.refusals import NotAllowed
from workflows.memberships import Membership

ASK = "This asks for your password, as it was typed too long ago. Nothing was changed."
WRONG = "This is not your password."


def proved(deed: str, sentence: str, *, again: bool = True) -> Callable[[View], View]:
    """Do this only if the password was typed lately; else ask for it, and do it then.

    `sentence` says what will happen, with {name} of the member, {organization} and what was typed.
    Where secrets are typed into the form, it is not sent `again`: its page is shown instead.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(**kwargs: Any) -> Any:
            if session.is_fresh():
                return view(**kwargs)
            if not _proves():
                return _ask(deed, sentence.format_map(_facts(**kwargs)), again)
            session.renew()
            return view(**kwargs) if again else redirect(request.path, 303)

        return guarded

    return guard


# What an operator does for others is a great deed, whatever it is.
as_operator = proved("Act as an Operator", "It is done under your name, with the reason you gave.")


def _proves() -> bool:
    typed = request.form.get(PROOF, "")[:LONGEST]
    return bool(typed) and log_ins.proves(g.account, typed, **session.whence())


def _facts(membership_id: int = 0, **_: Any) -> dict[str, str]:
    facts = defaultdict(str, {name: value[:20] for name, value in request.form.items()})
    if g.get("organization"):
        facts["organization"] = g.organization.name
    if membership_id:
        facts["name"] = of_this_organization(Membership, membership_id).account.name
    return facts


def _ask(deed: str, sentence: str, again: bool) -> Any:
    if wants_json():
        raise NotAllowed(ASK)
    wrong = PROOF in request.form
    g.errors = {PROOF: WRONG} if wrong else {}
    sent = request.form.items(multi=True)
    fields = [(name, value) for name, value in sent if name not in OF_ONE_PAGE]
    page = render_template(
        "pages/accounts/prove.html",
        deed=deed, sentence=sentence, fields=fields if again else [], field_name=PROOF,
        back=errors.back() or _home(),
    )  # fmt: skip
    response = make_response(page, 422 if wrong else 403)
    if request.headers.get("HX-Request"):
        response.headers.update({"HX-Retarget": "body", "HX-Reswap": "innerHTML"})
    return response


def _home() -> str:
    """Where the deeds of an organization, an operator, or of one's own profile set out from."""
    if g.get("organization"):
        return f"/{g.organization.slug}/home"
    return "/status" if request.path.startswith("/status/") else "/profile"
