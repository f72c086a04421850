"""One deed for many people: chosen on Manage Members, looked over, begun, and followed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from flask import Blueprint, g, redirect, render_template, request

from web import rows, searching
from web.deeds import deed
from web.forms import read
from web.proving import proved
from web.rows import of_this_organization
from web.session import in_organization
from workflows import cases, directories, errands, listings, seats, shortages
from workflows.drawings import Subject
from workflows.errands import Errand
from workflows.memberships import ADMIN, require_admin
from workflows.portions import INVITE, INVITE_AND_SEAT, LISTS

bp = Blueprint("errands", __name__)
ERRANDS = "/<slug>/members/errands"
ERRAND = f"{ERRANDS}/<int:errand_id>"
PAGE = 50
PERSON = re.compile(r"([mi])([0-9]{1,9})")  # a membership or an invitation, and its number
NOBODY: Subject = (0, None)


@dataclass(frozen=True)
class Deed:
    """A deed in words: of its button for one and for many, and what comes of it."""

    one: str
    many: str  # {} for the number
    comes: str
    great: bool = False  # asks for the password
    button: str = ""  # if it is not the title
    whom: tuple[str, str] = ("person", "people")
    done: str = "done"
    outcomes: tuple[str, ...] = ("Not reached", "Done", "Not done")  # as cases.OUTCOMES
    cannot: str = "It cannot be done to {}"  # so many people
    will: tuple[str, str] = ("Will be done", "Cannot")
    again: str = "Try Those Not Done Again…"

    def titled(self, number: int) -> str:
        return self.one if number == 1 else self.many.format(f"{number:,}")


DEEDS = {
    "assign": Deed("Assign Seat", "Assign {} Seats",
                   "Each gets a seat with a token to activate, and a letter about it."),
    "line-up": Deed("Put in Line", "Put {} in Line",
                    "They wait in line, in this order, for seats that free or are bought."),
    "revoke-seat": Deed("Revoke Seat", "Revoke {} Seats",
                        "Each loses the seat. The token stops working at once, a letter says so.",
                        great=True),
    "resend": Deed("Resend", "Resend {} Invitations",
                   "Each gets the invitation again, with the full time to answer."),
    "revoke": Deed("Revoke Invitation", "Revoke {} Invitations",
                   "Each link stops working, and whoever had a letter gets another about it.",
                   great=True),
    "remove": Deed("Remove Member", "Remove {} Members",
                   "Each leaves the organization. Seat and token go at once, and a letter says so.",
                   great=True),
    INVITE: Deed(
        "Invite 1 Address", "Invite {} Addresses", "Each gets a letter with a link to join.",
        button="Send Invitations", whom=("row", "rows"), done="invited",
        outcomes=("Not reached", "Invited", "Not invited"), cannot="{} will not be invited",
        will=("Will be invited", "Will not be invited"), again="Try Those Not Invited Again…",
    ),
}  # fmt: skip
DEEDS[INVITE_AND_SEAT] = replace(
    DEEDS[INVITE],
    comes="Each gets a letter with a link to join, and on joining a seat or a place in line.",
)
FOR_PEOPLE = {name: deed for name, deed in DEEDS.items() if name not in LISTS}


class Selection(searching.Searched):
    """Who was ticked, and the search they were found by."""

    deed: Literal["assign", "line-up", "revoke-seat", "resend", "revoke", "remove"]
    who: list[str] = []
    scope: list[str] = []
    here: str = ""  # everybody on the page


@bp.post(ERRANDS)
@in_organization
@deed("Look Over a Bulk Action", ADMIN)
def prepare() -> Any:
    """Look over what would happen. Nothing is done yet."""
    require_admin(g.account, g.organization)
    chosen = read(Selection)
    return _to(errands.prepare(g.organization, chosen.deed, _whom(chosen), by=g.account))


def _whom(chosen: Selection) -> list[Subject]:
    if "all" in chosen.scope:
        return directories.ids(g.organization, searching.search(chosen.model_dump()))
    named = chosen.here.split() if "page" in chosen.scope else chosen.who
    return [_subject(one) for one in named if one]


def _subject(text: str) -> Subject:
    if not (found := PERSON.fullmatch(text)):
        return NOBODY
    kind, number = found.groups()
    return (int(number), None) if kind == "m" else (None, int(number))


@bp.get(ERRANDS)
@in_organization
def all_of_them() -> Any:
    require_admin(g.account, g.organization)
    before = rows.before()
    found = errands.of_organization(g.organization, before, PAGE + 1)
    shown = [(one, cases.counts(one.id)) for one in found[:PAGE]]
    older = shown[-1][0].id if len(found) > PAGE else None
    return render_template("pages/errands/index.html", rows=shown, older=older, deeds=DEEDS)


@bp.get(ERRAND)
@in_organization
def errand(errand_id: int) -> Any:
    """What it would do; while it runs, how far it is; afterwards, what became of each."""
    one = of_this_organization(Errand, errand_id)
    told = _told(one)
    outcome = request.args.get("outcome", "")
    outcome = outcome if outcome in told["outcomes"] else ""
    after = request.args.get("after", "0")
    after_id = int(after) if re.fullmatch(r"[0-9]{1,9}", after) else 0
    found = cases.listed(one.id, outcome, after_id, PAGE + 1)
    return render_template(
        "pages/errands/errand.html", **told, outcome=outcome,
        worth=one.deed not in LISTS or bool(listings.not_invited(one)),
        cases=found[:PAGE], after=found[PAGE - 1].id if len(found) > PAGE else None,
    )  # fmt: skip


def _told(one: Errand) -> dict[str, Any]:
    """The errand in words and numbers."""
    numbers, reasons = cases.counts(one.id), cases.reasons(one.id)
    refused = sum(number for _, number in reasons)
    possible = one.number - refused
    if one.state == "planned":
        numbers |= {"will": possible, "cannot": refused}
        outcomes = dict(zip(("will", "cannot"), DEEDS[one.deed].will, strict=True))
    else:
        outcomes = dict(zip(cases.OUTCOMES, DEEDS[one.deed].outcomes, strict=True))
    return {
        "errand": one, "deed": DEEDS[one.deed], "numbers": numbers,
        "outcomes": {"": "All"} | outcomes, "possible": possible,
        "refused": refused, "reasons": [(_of_many(said), number) for said, number in reasons],
        "full": shortages.must_buy(one, reasons), "remarks": cases.remarks(one.id),
        "free": seats.count(one.organization).free,
        "settled": numbers["done"] + numbers["refused"],
    }  # fmt: skip


def _of_many(sentence: str) -> str:
    """A rule's sentence without the name it began with: it is about all who are alike."""
    bare = sentence.removeprefix("{name} ").replace("{name}", "this person")
    return bare[0].upper() + bare[1:]


@bp.post(f"{ERRAND}/begin")
@in_organization
@deed("Begin a Bulk Action", ADMIN)
def begin(errand_id: int) -> Any:
    one = of_this_organization(Errand, errand_id)
    deed = DEEDS[one.deed]

    def view() -> Any:
        errands.begin(one, by=g.account)
        return _to(one)

    if not deed.great:
        return view()
    return proved(deed.titled(_told(one)["possible"]), deed.comes)(view)()


@bp.post(f"{ERRAND}/stop")
@in_organization
@deed("Stop a Bulk Action", ADMIN)
def stop(errand_id: int) -> Any:
    one = of_this_organization(Errand, errand_id)
    errands.stop(one, by=g.account)
    return _to(one)


@bp.post(f"{ERRAND}/again")
@in_organization
@deed("Look a Bulk Action Over Again", ADMIN)
def again(errand_id: int) -> Any:
    """Look over the same deed for those to whom it was not done."""
    return _to(listings.again(of_this_organization(Errand, errand_id), by=g.account))


@bp.post(f"{ERRAND}/line-up")
@in_organization
@deed("Put Those without a Seat in Line", ADMIN)
def line_up_rest(errand_id: int) -> Any:
    """Look over places in line for those for whom no seat was left."""
    return _to(shortages.line_up_rest(of_this_organization(Errand, errand_id), by=g.account))


def _to(one: Errand) -> Any:
    return redirect(f"/{g.organization.slug}/members/errands/{one.id}", 303)
