"""The command line of operators: status, stuck and retry, with the words of the pages."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from flask import g

from web import interventions, status_words
from web.health import beside
from web.operator_deeds import DEEDS
from web.rendering import ago, in_words
from workflows import (
    accounts,
    ailments,
    memberships,
    operators,
    organizations,
    overview,
    rescues,
    stuck,
    subscriptions,
)
from workflows.accounts import Account
from workflows.engine import identity
from workflows.engine.db import now
from workflows.organizations import Organization


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The same as /status.json.")
def status(as_json: bool) -> None:
    """Say how all of Usher fares. The exit status is 1 where something is stuck."""
    looked = overview.look()
    if as_json:
        click.echo(json.dumps(status_words.as_facts(looked, beside(), 0.0), indent=1))
    else:
        for one in looked.processes:
            click.echo(f"  {one.kind} on {one.host}: heard {in_words(one.at)}, {one.version}")
        for beat in status_words.beats(looked, beside(), 0.0):
            if beat.state != "fine":
                click.echo(f"  !!  {beat.what}: {beat.word.lower()}. {beat.help}".rstrip())
        for alarm in looked.alarms:
            click.echo(f"  !!  alarm, raised {in_words(alarm.raised_at)}: {alarm.about.title}")
        for ill in looked.stuck:
            oldest = f"{ill.ailment.name}, oldest {ago(ill.since)}"
            click.echo(f"  !!  {ill.number:6,}  {oldest}: {ill.cause}".rstrip(": "))
        for ill in looked.waiting:
            turn = ill.ailment.turn
            oldest = f"{ill.ailment.name}, oldest {ago(ill.since)}"
            click.echo(f"  --  {ill.number:6,}  {oldest} (their turn: {turn})")
        wrong = sum(looked.invariants.values())
        click.echo(f"{looked.number:,} stuck, {looked.waits:,} waiting, {wrong} impossible.")
    sys.exit(1 if looked.number else 0)


@click.command("stuck")
@click.argument("name", required=False)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50)
def list_stuck(name: str | None, limit: int) -> None:
    """List the ways to be stuck, or the rows of the one with this NAME, oldest first."""
    if name is None:
        for ill in stuck.AILMENTS:
            buttons = ", ".join(helps.name for helps in ill.remedies) or "-"
            click.echo(f"  {ill.name:24} {ill.family:8} {buttons:18} {ill.title}")
        return
    ill = _known(name)
    click.echo(f"{ill.title}. {ill.sentence}")
    for row in status_words.rows(ill, ailments.listed(ill, limit=limit)):
        place = f", “{row.place}”" if row.place else ""
        click.echo(f"  {row.found.row_id:8}  {ago(row.found.since):12} {row.title}{place}")


@click.command()
@click.argument("name")
@click.argument("rows", nargs=-1, type=click.IntRange(-(2**31), 2**31 - 1))
@click.option("--cause", help="All rows of this cause, instead of ROWS.")
@click.option("--remedy", default="retry", show_default=True)
@click.option("--by", "email", required=True, help="The operator in whose name it is done.")
@click.option("--why", default="", help="The reason; without one it is only looked over.")
def retry(
    name: str, rows: tuple[int, ...], cause: str | None, remedy: str, email: str, why: str
) -> None:
    """Do something about ROWS of the way to be stuck with this NAME, or about all of a cause."""
    ill = _known(name)
    _, helps = rescues.known(ill.name, remedy)
    ids = rescues.choose(ill, cause, rows, now())
    refused = rescues.foresee(helps, ids)
    click.echo(f"{helps.label}: {len(ids) - len(refused):,} of {len(ids):,}. {helps.comes}")
    for sentence in sorted(set(refused.values())):
        click.echo(f"  not possible: {sentence}")
    if not why:
        click.echo("Nothing was done. Say --why to do it.")
        return
    one = rescues.begin(ill.name, remedy, ids, cause, by=_operator(email), why=why)
    told = ", ".join(f"{number:,} {outcome}" for outcome, number in rescues.counts(one.id).items())
    click.echo(f"Rescue {one.id}: {told}. See /status/rescues/{one.id}.")


@click.command()
@click.argument("organization")
@click.argument("member")
@click.option("--by", "email", required=True, help="The operator in whose name it is done.")
@click.option("--why", default="", help="The reason; without one it is only looked over.")
def appoint(organization: str, member: str, email: str, why: str) -> None:
    """Make MEMBER, by address, the owner of ORGANIZATION, by its ID, as the owner is gone."""
    place = _organization(organization)
    person = memberships.of(accounts.with_key(identity.parse_address(member)[1]), place)
    if person is None:
        raise click.ClickException(f"“{place.name}” has no member with this address.")
    _intervene("memberships", "appoint", person, email, why)


@click.command()
@click.argument("organization")
@click.option("--by", "email", required=True, help="The operator in whose name it is done.")
@click.option("--why", default="", help="The reason; without one it is only looked over.")
def settle(organization: str, email: str, why: str) -> None:
    """Mark the overdue bill of ORGANIZATION, by its ID, as paid by other means."""
    place = _organization(organization)
    bought = subscriptions.live(place)
    if bought is None:
        raise click.ClickException(f"“{place.name}” has no subscription that could owe anything.")
    _intervene("subscriptions", "settle", bought, email, why)


def _intervene(kind: str, name: str, row: Any, email: str, why: str) -> None:
    """Look over a deed of the pages, with their words; with a reason do it."""
    deed, g.account = DEEDS[kind][name], _operator(email)
    click.echo(f"{deed.question.format(interventions.title(row))} {deed.comes}")
    if no := interventions.why_not(deed, row):
        raise click.ClickException(no)
    for sentence in deed.foresee(row):
        click.echo(f"  {sentence}")
    if not why:
        click.echo("Nothing was done. Say --why to do it.")
        return
    operators.act(deed.command, deed.about(row), by=g.account, why=why)
    click.echo(f"Done, and written down: {deed.label}. See {interventions.page_of(row)}.")


def _organization(slug: str) -> Organization:
    place = organizations.by_slug(slug.lower())
    if place is None:
        raise click.ClickException("There is no organization with this ID.")
    return place


def _known(name: str) -> ailments.Ailment:
    ill = stuck.ailment(name)
    if ill is None:
        raise click.ClickException(f"There is no way to be stuck called {name}. See ./usher stuck.")
    return ill


def _operator(email: str) -> Account:
    account = accounts.with_key(identity.parse_address(email)[1])
    if account is None:
        raise click.ClickException("There is no account with this address.")
    return account
