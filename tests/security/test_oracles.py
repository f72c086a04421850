"""Nobody learns from an answer, or from the work it takes, who has an account here or what an
organization's business is."""

import re

import pytest
from people import Cast
from security.oracle import masked, told_apart, walk
from security.town import OURS, THEIRS

from workflows import accounts, silences
from workflows.accounts import Account, SignUp
from workflows.engine import seals
from workflows.engine.db import db
from workflows.engine.letters import KEPT_BACK, Letter
from workflows.invitations import Invitation

pytestmark = pytest.mark.sqlite
KNOWN, UNKNOWN = "stranger@acme.test", "nobodies@acme.test"  # as long as each other
PASSWORD = "a password to test with"
LINKS = {  # what is sealed for, and where it is opened
    "signup": "/signup", "join": "/join", "reset": "/reset", "never": "/never",
    "confirm": "/profile/address/confirm", "undo": "/profile/address/undo",
}  # fmt: skip


def post(path, **form):
    return path, form


def signing_up(email, **more):
    return post("/signup", **{"name": "New", "email": email, "password": PASSWORD, **more})


def logging_in(email, password="another password"):
    return post("/login", email=email, password=password)


def inviting(email):
    return post(f"/{OURS}/invitations/new", addresses=email)


# What somebody does with an address whose mail they cannot read: steps, each seen by itself.
DEEDS = {
    "signs up": lambda email: [signing_up(email)],
    "signs up twice": lambda email: [signing_up(email), signing_up(email)],
    "signs up with a bad password": lambda email: [signing_up(email, password="short")],
    "signs up with a bad name": lambda email: [signing_up(email, name="https://x")],
    "logs in": lambda email: [logging_in(email)],
    "logs in without a password": lambda email: [logging_in(email, "")],
    "logs in with a long password": lambda email: [logging_in(email, "x" * 900)],
    "logs in in capitals": lambda email: [logging_in(email.upper())],
    "asks for a new password": lambda email: [post("/forgot", email=email)],
    "signs up and logs in": lambda email: [signing_up(email), logging_in(email)],
}


def compare(town, steps, known=KNOWN, unknown=UNKNOWN, invited=False, **who):
    """What is seen with both addresses, once answers, work and writes were found to be equal."""
    seen, written = [], []
    for email in (known, unknown):
        town.reset()
        if invited:
            path, form = inviting(email)
            town.visit("owner", "POST", path, data=form)
        seen.append(walk(town, steps(email), email, email.partition("@")[0], **who))
        written.append({table: len(found) for table, found in town.rows().items()})
    assert told_apart(*seen) == []
    assert written[0] == written[1]
    return seen[0]


MOVING = {
    "wants it": lambda email: [post("/profile/address", email=email)],
    "wants it twice": lambda email: [post("/profile/address", email=email)] * 2,
    "looks at it and takes it back": lambda email: [
        post("/profile/address", email=email), "/profile", post("/profile/address/cancel"),
    ],
    "is given another one": lambda email: [
        post("/profile/address", email="mine@new.test"), post("/profile/address", email=email),
    ],
}  # fmt: skip


@pytest.mark.parametrize("deed", MOVING)
def test_whoever_wants_another_address_does_not_learn_whether_it_has_an_account(town, deed):
    seen = compare(town, MOVING[deed], kind="seated")

    assert [answer[0] for answer in seen.answers[:2]] == [303, 200]


@pytest.mark.parametrize("deed", DEEDS)
def test_nobody_learns_whether_an_address_has_an_account(town, deed):
    assert compare(town, DEEDS[deed]).answers[0][0] in (303, 422)


def test_no_account_shows_whatever_it_may_do(town, full, verdict):
    kinds = list(town.secrets) if full else ["owner", "operator"]
    deeds = DEEDS if full else ["signs up and logs in"]
    verdict.about("S8", accounts=len(kinds), deeds=len(deeds))

    for kind in kinds:
        for deed in deeds:
            compare(town, DEEDS[deed], f"{kind}@acme.test", f"{'x' * len(kind)}@acme.test")

    verdict.holds()


def test_a_wrong_password_is_as_wrong_for_everybody(town):
    """Somebody who never confirmed, and an operator, are like nobody; each costs one hashing."""
    with town.app.app_context():
        accounts.sign_up("New", UNKNOWN, PASSWORD)

    seen = [
        walk(town, [logging_in(email)], email).facts()
        for email in ("operator@acme.test", "owner@acme.test", UNKNOWN, "none@none.test")
    ]

    assert all(one == seen[0] for one in seen)
    assert seen[0]["hashings"] == ["verify"]


PAGES = [f"/{OURS}/invitations", f"/{OURS}/members", f"/{OURS}/activity", f"/{OURS}/home"]


@pytest.mark.parametrize("kind", ["owner", "admin", "both"])
def test_an_inviter_does_not_learn_whether_an_address_has_an_account(town, kind):
    """T14. `look-over` is what the page shows while somebody types."""
    look_over = f"/{OURS}/invitations/look-over"

    seen = compare(
        town, lambda email: [post(look_over, addresses=email), inviting(email), *PAGES], kind=kind
    )

    assert "Will be invited" in seen.answers[0][2]
    assert "Invited" in seen.answers[2][2]


@pytest.mark.parametrize("deed", ["resend", "revoke"])
def test_nor_does_an_inviter_learn_it_afterwards(town, deed):
    path = f"/{OURS}/invitations/{next_invitation(town)}/{deed}"

    seen = compare(town, lambda _: [post(path), *PAGES], invited=True, kind="owner")

    assert seen.answers[0][0] == 303


def next_invitation(town):
    """The id of the invitation that will be made next."""
    with town.app.app_context():
        return db.session.scalar(db.select(db.func.max(Invitation.id))) + 1


def test_an_inviter_does_not_learn_who_wants_no_invitations(town):
    """Invited, sent again and taken back, with the letters let go in between."""
    seen, kept_back, here = [], [], f"/{OURS}/invitations/{next_invitation(town)}"
    for email in (KNOWN, UNKNOWN):
        town.reset()
        with town.app.app_context():
            silences.begin(KNOWN)
            db.session.commit()
        for step in (inviting(email), post(f"{here}/resend"), post(f"{here}/revoke")):
            names = email, email.partition("@")[0]
            seen.append(walk(town, [step, *PAGES, here], *names, kind="owner"))
            with town.app.app_context():
                Cast().deliver()
            seen.append(walk(town, [*PAGES, here], *names, kind="owner"))
        with town.app.app_context():
            silent = db.select(db.func.count()).select_from(Letter).filter_by(reply=KEPT_BACK)
            kept_back.append(db.session.scalar(silent))

    for silent, other in zip(seen[:6], seen[6:], strict=True):
        assert told_apart(silent, other) == []
    assert kept_back[0] > kept_back[1] == 0


# Who holds the link is told whether there is an account, by POST /join and by signing up (1.4).
WITH_THE_LINK = {
    "looks at it": lambda email: ["/join"],
    "looks at the login page": lambda email: ["/join/login"],
    "looks at the sign-up page": lambda email: ["/join/signup"],
    "logs in with a wrong password": lambda email: [post("/join/login", password="not this one")],
    "declines as somebody else": lambda email: [post("/join/decline", email="x@acme.test")],
    "declines": lambda email: [post("/join/decline", email=email), "/join"],
    "switches": lambda email: [post("/join/switch")],
}


@pytest.mark.parametrize("deed", WITH_THE_LINK)
def test_the_pages_behind_an_invitation_are_the_same_whoever_has_an_account(town, deed):
    with town.app.app_context():
        link = f"/join/{seals.seal('join', next_invitation(town))}"

    seen = compare(town, lambda email: [link, *WITH_THE_LINK[deed](email)], invited=True)

    assert seen.answers[1][0] == 200  # where the link led to


@pytest.mark.parametrize("kind", ["stranger", "removed", "operator"])
def test_an_id_that_is_taken_says_nothing_of_who_has_it(town, kind):
    """An ID is public, since it is in every address; the name behind it is not."""
    seen = []
    for slug in (OURS, THEIRS):
        steps = [
            f"/organizations/check?slug={slug}&name=x",
            f"/organizations/new?slug={slug}",
            post("/organizations/new", name="x y", slug=slug),
        ]
        seen.append(walk(town, steps, f"{kind}@acme.test", slug, kind=kind))

    assert "is taken" in seen[0].answers[0][2]
    assert told_apart(*seen) == []


def tables(statement):
    return re.findall(r"(?:FROM|INTO|UPDATE) (?!SET)(\w+)", statement)


@pytest.mark.parametrize("purpose", LINKS)
def test_a_link_of_ones_own_making_asks_nobody(town, purpose):
    """What we did not sign is counted, and refused before a row is looked for that it may name."""
    with town.app.app_context():
        true = seals.seal(purpose, 1)
        others = [seals.seal(other, 1) for other in LINKS if other != purpose]
    payload, _, signature = true.partition(".")
    changed = [true[:-1], payload, f"{payload}.{signature[::-1]}", f"WzI5OTk5LDBd.{signature}"]

    at = LINKS[purpose]
    seen = [walk(town, [f"{at}/{one}"], one) for one in ["a.b", *changed, *others]]

    assert seen[0].answers[0][0] == 404
    assert {table for said in seen[0].statements for table in tables(said)} == {"buckets"}
    assert all(one.facts() == seen[0].facts() for one in seen)


def test_a_link_that_has_ended_tells_its_holder_no_more_than_that(town):
    with town.app.app_context():
        accepted = db.select(Invitation.id).filter_by(state="accepted").limit(1)
        ended = {
            "signup": db.session.scalar(db.select(db.func.min(SignUp.id))),
            "join": db.session.scalar(accepted),
            "reset": db.session.scalar(db.select(db.func.min(Account.id))),
        }
        links = [
            f"/{purpose}/{seals.seal(purpose, row_id, 7)}" for purpose, row_id in ended.items()
        ]

    for link in links:
        seen = walk(town, [link])

        assert seen.answers[-1][0] in (409, 410)
        assert "@bolt.test" not in str(seen.answers)


def test_the_gate_never_says_whose_a_token_was(town):
    """The seats of both tokens are revoked; it says that, and not of which organization."""
    for slug, owner in ((OURS, "owner"), (THEIRS, "foreigner")):
        path = f"/{slug}/members/{town.ids[slug]['seated']}/revoke-seat"
        assert town.visit(owner, "POST", path).status_code == 303
    with town.app.app_context():
        never = seals.make_secret("t", 999, 1, b"n" * 16, seals.current_key_id())

    ours, theirs, unknown, malformed = (
        walk(town, [f"/t/{secret}/repo/x"])
        for secret in (town.tokens[OURS], town.tokens[THEIRS], never, "ushtx")
    )

    assert ours.facts() == theirs.facts()
    assert ours.answers != unknown.answers  # to its holder it does say why
    assert (ours.statements, malformed.statements) == (unknown.statements, [])
    for seen in (ours, unknown, malformed):
        assert masked(str(seen.answers), (OURS, THEIRS, "seated")) == str(seen.answers)
