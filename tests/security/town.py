"""Two organizations with everybody who may knock at Usher's doors, and how they knock.

What would surprise a reader: the town is built once and its database file is put back after each
change, so that a thousand requests cost seconds. On PostgreSQL, where there is no file to put
back, changes stay: only tests that do not mind them run there.
"""

import sqlite3
import time
import traceback
from contextlib import closing
from datetime import UTC, datetime, timedelta

import flask_migrate
from databases import settings_in
from drawings import picture
from flask import got_request_exception
from people import Cast

from web import create_app
from workflows import (
    arrivals,
    billing_contacts,
    departures,
    errands,
    invoices,
    logos,
    moves,
    operators,
    rescues,
    roles,
    seats,
    sessions,
    subscriptions,
    waitlist,
)
from workflows.engine.db import Base, db
from workflows.invitations import Invitation

HERE = "http://127.0.0.1:8000"
OURS, THEIRS = "acme", "bolt"
MOMENT = 60  # seconds
OF_A_BROWSER = {"sessions", "buckets", "alembic_version"}  # not an organization's business
LETTER = b"From: a@b.test\nTo: c@d.test\nSubject: Hi\nDate: Tue, 24 Nov 2026 10:00:00 +0000\n\nHi"
KINDS = {  # everybody, and the role of each in our organization and in theirs
    "owner": ("owner", None),
    "admin": ("admin", None),
    "billing": ("billing", None),
    "seated": ("seated", None),
    "member": ("member", None),
    "both": ("admin", "member"),
    "foreigner": (None, "owner"),
    "removed": (None, None),
    "gone": (None, None),
    "invited": (None, None),
    "stranger": (None, None),
    "operator": (None, None),
    "anonymous": (None, None),
}


class Town:
    """The whole site on one database; `crashes` keeps every exception that became a 500."""

    def __init__(self, folder, address):
        self.settings = settings_in(folder, address)
        self.app = create_app(self.settings)
        self.app.config["WTF_CSRF_ENABLED"] = False
        self.file = folder / "usher.db" if address.startswith("sqlite") else None
        self.ids, self.secrets, self.tokens, self.crashes = {}, {}, {}, []
        self.clean = None, 0.0  # how the database was marked at the last reset, good until then
        got_request_exception.connect(self._remember, self.app, weak=False)
        self.settings.mailbox.mkdir()
        (self.settings.mailbox / "one.eml").write_bytes(LETTER)
        with self.app.app_context():
            self._build(Cast())
            db.session.rollback()
        if self.file:
            self._keep()

    def _remember(self, sender, exception, **_):
        self.crashes.append("".join(traceback.format_exception(exception)[-6:]))

    def _build(self, cast):
        flask_migrate.stamp()  # its tables are those of the newest migration
        people = {
            kind: cast.account(f"Mx {kind}", f"{kind}@acme.test")
            for kind in KINDS
            if kind != "anonymous"
        }
        operators.make_operator(people["operator"].email)
        ours = self._organization(cast, OURS, people["owner"])
        theirs = self._organization(cast, THEIRS, people["foreigner"])
        for kind, organization in (("both", ours), ("both", theirs), ("admin", ours)):
            member = self._join(cast, organization, people[kind])
            if kind == "admin" or organization is ours:
                roles.make_admin(member, by=organization.owner.account)
            if kind == "admin":
                self.ids[OURS]["admin"] = member.id
        self._roles(cast, ours, people)
        self._roles(cast, theirs, {})
        for slug in (THEIRS, OURS):  # somebody asks to be invited in another's place
            asked = db.session.get(Invitation, self.ids[slug]["invitation"])
            moves.ask(asked, by=people["gone"])
            asked.expires_at -= timedelta(days=2)  # so that it can be extended
            db.session.commit()
        asked = [self.ids[OURS]["personal"]]
        waiting = ("invitation-unanswered", "revoke", asked, None)
        rescues.plan(*waiting, by=people["operator"], why="to be tried")
        self.secrets = {kind: sessions.open_session(one) for kind, one in people.items()}

    def _organization(self, cast, slug, owner):
        organization = cast.organization(owner, slug.title(), seats=4)
        logos.put_up(organization, picture(), by=owner)
        billing_contacts.write(organization, slug.title(), "1 Road", by=owner)
        asked = f"asked@{slug}.test"
        self.ids[slug] = {
            "owner": organization.owner_id,
            "slug": slug,
            "admin": organization.owner_id,  # of ours there is another one
            "invitation": cast.invitation(organization, asked, by=owner).id,
            "invoice": invoices.of_organization(organization)[0].id,
            "purchase": subscriptions.live(organization).id,
        }
        return organization

    def _roles(self, cast, organization, people):
        """A billing admin, a seated member with an active token, and who has left."""
        owner, ids = organization.owner.account, self.ids[organization.slug]
        for kind in ("billing", "seated", "member", "removed", "gone", "waiting"):
            account = people.get(kind) or cast.account(kind, f"{kind}@{organization.slug}.test")
            member = self._join(cast, organization, account)
            ids[kind] = member.id
            if kind == "billing":
                roles.make_billing_admin(member, by=owner)
            elif kind == "seated":
                seats.assign(member, by=owner)
                self.tokens[organization.slug] = cast.secret(member)
            elif kind == "removed":
                departures.remove(member, by=owner)
            elif kind == "gone":
                departures.leave(member, by=account)
            elif kind == "waiting":
                waitlist.ask(member, by=account)
        ids["errand"] = errands.prepare(
            organization, "assign", [(ids["member"], None)], by=owner
        ).id
        asked = people["invited"].email if people else "somebody@else.test"
        ids["personal"] = cast.invitation(organization, asked, by=owner).id

    def _join(self, cast, organization, account):
        """Become a member, as people do: invited, and accepted."""
        asked = cast.invitation(organization, account.email, by=organization.owner.account)
        return arrivals.accept(asked, by=account)

    def _keep(self):
        with self.app.app_context():
            db.session.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)"))
            db.session.remove()
            db.engine.dispose()
        self.reading, self.read = sqlite3.connect(self.file), None
        self.kept, self.pristine = self.picture(), self.rows()

    def reset(self):
        """Everything as it was in the beginning, where it can be had; nothing is to be done where
        nobody has written since the last time, which was a moment ago."""
        self.crashes.clear()
        version, until = self.clean
        if self.file and (version != self._version() or time.monotonic() > until):
            self.put_back(self.kept)
            self.clean = self._version(), time.monotonic() + MOMENT

    def picture(self):
        """The database as it is now, in memory."""
        kept = sqlite3.connect(":memory:")
        self.reading.backup(kept)
        return kept

    def put_back(self, kept):
        """The database as it was in this picture; but however long the tests take, everybody
        logged in a moment ago."""
        with closing(sqlite3.connect(self.file)) as changed:
            kept.backup(changed)
            moment = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
            changed.execute("UPDATE sessions SET seen_at = ?", [moment])
            changed.execute("UPDATE sessions SET proved_at = ? WHERE proved_at NOT NULL", [moment])
            changed.commit()

    def rows(self):
        """Every row of every table that is an organization's or a person's business.

        They are read again only where somebody has written since: most requests write nothing.
        """
        if (version := self._version()) != self.read:
            self.read = version
            self.known = {
                name: self.reading.execute(f"SELECT * FROM {name}").fetchall()
                for name in Base.metadata.tables
                if name not in OF_A_BROWSER
            }
        return dict(self.known)

    def _version(self):
        """SQLite's own mark, another one after each COMMIT of anybody."""
        return self.reading.execute("PRAGMA data_version").fetchone()

    def cookie(self, content):
        """A cookie that we signed ourselves."""
        signed = self.app.session_interface.get_signing_serializer(self.app).dumps(content)
        return f"{self.app.config['SESSION_COOKIE_NAME']}={signed}"

    def visit(self, kind, method, path, headers=(), **more):
        """One request by a person of this kind, or by nobody."""
        headers = dict(headers)
        if kind in self.secrets:
            headers.setdefault("Cookie", self.cookie({"sid": self.secrets[kind]}))
        client = self.app.test_client(use_cookies=False)
        return client.open(path, method=method, base_url=HERE, headers=headers, **more)
