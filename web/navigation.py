"""The left column: what this person may open here. What they may not open is not in it."""

from __future__ import annotations

from typing import NamedTuple

from flask import g, request

from workflows import directories, seats


class Place(NamedTuple):
    """One line of the left column."""

    label: str
    icon: str
    path: str
    current: bool
    waiting: int = 0  # people who wait for the reader


# Pages that are reached from another and have no line of their own.
UNDER = {
    "invitations": "members", "leave": "home", "who-may": "members", "ownership": "settings",
    "close": "settings", "billing-contact": "subscriptions",
}  # fmt: skip


def places_here(here: str = "") -> list[Place]:
    """The places of the organization we are in, or else of the profile.

    A page with another first word in its path names the place it belongs to.
    """
    segments = [*request.path.split("/"), "", ""]
    if g.get("organization"):
        return _of_organization(here or UNDER.get(segments[2], segments[2]))
    return _of_profile(here or segments[1])


def _of_profile(here: str) -> list[Place]:
    return [
        Place(label, icon, path, path == f"/{here}")
        for label, icon, path in (
            ("Account", "settings", "/profile"),
            ("Organizations", "users", "/organizations"),
            ("Subscriptions", "credit-card", "/subscriptions"),
        )
    ]


def _of_organization(here: str) -> list[Place]:
    state = g.membership.state
    admin = state == "admin"
    lines = (
        ("Home", "house", "home", True),
        ("Manage Members" if admin else "View Members", "users", "members", True),
        ("Subscriptions", "credit-card", "subscriptions", state in ("admin", "billing_admin")),
        ("Token Access", "key-round", "token", _has_seat()),
        ("Activity", "history", "activity", True),
        ("Settings", "settings", "settings", admin),
    )
    return [
        Place(
            label, icon, f"/{g.organization.slug}/{page}", page == here,
            waiting() if admin and page == "members" else 0,
        )
        for label, icon, page, may_open in lines
        if may_open
    ]  # fmt: skip


def of_operations() -> list[Place]:
    """The left column of whoever runs Usher; a letter's page belongs to all letters."""
    here = "/status/letters" if request.path.startswith("/status/letters/") else request.path
    return [
        Place(label, icon, path, path == here)
        for label, icon, path in (
            ("Overview", "house", "/status"),
            ("Search", "search", "/status/search"),
            ("Letters", "mail", "/status/letters"),
        )
    ]


def waiting() -> int:
    """How many people wait for the reader, beside Manage Members."""
    if "waiting" not in g:
        g.waiting = directories.waiting(g.organization)
    return int(g.waiting)


def _has_seat() -> bool:
    return seats.of(g.membership) is not None
