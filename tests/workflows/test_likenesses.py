"""People who are alike are drawn together, as they would be one by one."""

from datetime import timedelta

import pytest

from web import crowd
from workflows import directories, drawings, errands, invitations, likenesses, lines, seats, tokens
from workflows.directories import Search
from workflows.engine import outbox
from workflows.engine.db import db
from workflows.invitations import Invitation
from workflows.memberships import Membership


@pytest.fixture
def acme(cast, ann):
    return cast.organization(ann, seats=40)


def ids(kind):
    return db.session.scalars(db.select(kind.id)).all()


def test_a_crowd_is_drawn_alike_and_one_by_one(cast, acme, ann, settings):
    bob, cy = cast.seated(acme, "Bob", ann), cast.seated(acme, "Cy", ann)
    crowd.gather(acme, 200, "crowd.test", by=ann)
    settings.clock_offset += timedelta(hours=1).total_seconds()
    cast.secret(bob)
    [claim] = outbox.claim(1, "test") or [None]
    if claim:
        outbox.bounced(claim, "550 no such mailbox")
    invitations.decline(cast.invitation(acme, "no@acme.test", ann), "no@acme.test", by=None)
    tokens.activate(tokens.of(cy), by=cy.account)
    whom = directories.ids(acme, Search(place="no seat", role="member"))
    errands.begin(errands.prepare(acme, "assign", whom, by=ann), by=ann)

    people = ids(Membership), ids(Invitation)

    assert min(map(len, people)) > likenesses.FEW
    assert seats.count(acme).free == 0
    alike, singly = drawings.of(*people), drawings.of(*people, one_by_one=True)
    assert alike == singly
    groups = list(likenesses.of_members(people[0]))
    assert 1 < len(groups) < len(people[0]) / 2
    assert lines.redraw(*people, one_by_one=True) == 0


def test_whoever_declines_with_the_word_sent_is_drawn_alone(cast, acme, ann):
    crowd.gather(acme, 200, "crowd.test", by=ann)
    for email in ("no@acme.test", "nay@acme.test"):
        invitations.decline(cast.invitation(acme, email, ann), email, "sent", by=None)
    cast.invitation(acme, "no@acme.test", ann)

    invited = ids(Invitation)

    assert len(invited) > likenesses.FEW
    assert drawings.of([], invited) == drawings.of([], invited, one_by_one=True)
