"""The command line: what `./usher` does beside running Usher, by the commands the pages call."""

from __future__ import annotations

import sys

import click

from web import demo, doctor, ops
from workflows import operators
from workflows.engine import masks
from workflows.engine.settings import settings


@click.group()
def usher() -> None:
    """Commands on Usher's database."""


@usher.group()
def operator() -> None:
    """Who may see the status page."""


@operator.command("add")
@click.argument("email")
@click.option("--read-only", is_flag=True, help="May look, and change nothing.")
def add_operator(email: str, read_only: bool) -> None:
    """Let the account with this address see the status page, and act there."""
    account = operators.make_operator(email, acting=not read_only)
    what = "may read the status page" if read_only else "is an operator"
    click.echo(f"{account.name} <{account.email}> {what} now.")


@operator.command("remove")
@click.argument("email")
def remove_operator(email: str) -> None:
    """Close the status page to the account with this address."""
    account = operators.unmake_operator(email)
    click.echo(f"{account.name} <{account.email}> is no operator any more.")


@usher.command("demo")
@click.option("--members", type=click.IntRange(0, 100_000), default=0, help="A crowd beside them.")
def fill_demo(members: int) -> None:
    """Fill an organization with people in every state, and print how to log in."""
    if not settings().embedded:
        raise click.ClickException("The demo is for trying Usher out, not for a real deployment.")
    if demo.is_here():
        click.echo(f"{demo.NAME} is here already.")
    else:
        click.echo(f"Filling {demo.NAME} ...")
        demo.fill()
    if members:
        click.echo(f"Bringing in {members:,} more people ...")
        demo.crowd_in(members)
    click.echo(f"Log in at {settings().base_url}/login with the password: {demo.PASSWORD}\n")
    for name, what in demo.LOG_INS.items():
        click.echo(f"  {demo.address(name):32} {what}")
    click.echo(f"\nTheir letters are at {settings().base_url}/dev/mailbox (while ./usher up runs).")


@usher.command("doctor")
@click.pass_obj
def examine(reasons: list[str] | None) -> None:
    """Say what is wrong here, and what helps."""
    findings = list(doctor.look(reasons or ()))
    for finding in findings:
        sign = "!!" if finding.ill else "--" if finding.advice else "ok"
        click.echo(f"  {sign}  {finding.what:15} {masks.mask(finding.help)}".rstrip())
    ill = sum(finding.ill for finding in findings)
    click.echo(f"{ill} of {len(findings)} need help." if ill else "All is well.")
    if any(finding.advice for finding in findings):
        click.echo("What is marked -- works, and could be better.")
    sys.exit(1 if ill else 0)


for _command in (ops.status, ops.list_stuck, ops.retry, ops.appoint, ops.settle):
    usher.add_command(_command)
