"""`./usher restored`: what is done once after a restore, before Usher runs again.

What fell due since the backup was done then, and its letters left: so the clock's jobs are done
first, and what they post is held back with all that waited.
"""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app
from sqlalchemy import func, select

from workers import billing, clock
from workflows import restores
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.engine.settings import settings

NO_JOURNAL = "JOURNAL is not set: tokens that were revoked since the backup pass again."
NUMBERS = (
    "SQLite gives numbers of lost rows again, and links in letters hold numbers. Give SECRET_KEY a"
    " new value, and do not keep the former one in OLD_SECRET_KEYS."
)


@click.command("restored")
@click.option("--without-journal", is_flag=True, help="Go on though JOURNAL is not set or gone.")
def restored(without_journal: bool) -> None:
    """After a restore, and before Usher runs: undo nothing that was done since the backup."""
    file = Path(settings().journal) if settings().journal else None
    if not without_journal and (file is None or not file.exists()):
        why = f"There is no journal at {file}." if file else NO_JOURNAL
        raise click.ClickException(f"{why} Say --without-journal to go on.")
    alone = restores.skip_numbers()
    restores.end_sessions()
    stopped = restores.stop_errands()
    _do_what_fell_due()
    held = restores.hold_back()
    click.echo(f"Held back as perhaps sent: {held:,} letters. Let them go, or not, on /status.")
    if file and file.exists():
        ended = restores.end_again(file)
        click.echo(f"Ended again, or reissued: the tokens of {ended:,} members.")
    click.echo(f"Stopped: {stopped:,} bulk actions. Everybody logs in again.")
    click.echo("You can start Usher." if alone else f"{NUMBERS}\nThen you can start Usher.")


def _do_what_fell_due() -> None:
    """Until nothing more is posted: some jobs do a part at a time."""
    clock.failed.clear()
    app, before = current_app._get_current_object(), None  # type: ignore[attr-defined]
    while (posted := db.session.scalar(select(func.max(Letter.id)))) != before:
        before = posted
        for job in [*clock.jobs(), clock.Job(1, billing.charge_due)]:
            job.run(app)
            if clock.failed:
                raise click.ClickException(f"{', '.join(clock.failed)} failed. See the log.")
        db.session.rollback()
