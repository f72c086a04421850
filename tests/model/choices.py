"""What may be tried next in a town: any command, by anybody, about anything that is there."""

from hypothesis import strategies as st
from model.steps import BOB, CY, EVE, FAY, GIL, HAL, PEOPLE, Step
from model.town import DAYS, Member

ANYTHING = {  # what comes first is drawn most
    "accept": 8, "accept_offer": 6, "offer": 6, "invite": 6, "resend": 3, "revoke": 3,
    "decline": 2, "sign_up_by_link": 1, "make_admin": 3, "make_billing_admin": 2,
    "make_member": 3, "leave": 3, "remove": 3, "assign_seat": 8, "revoke_seat": 3, "purchase": 4,
    "pay": 6, "resize": 4, "change_card": 4, "pay_now": 3, "cancel": 5, "resume": 2,
    "activate": 7, "reissue": 7, "end_old": 3, "decline_offer": 2,
    "cancel_offer": 2, "ask_seat": 6, "withdraw": 2, "line_up": 6, "refuse_seat": 2,
    "extend": 2, "correct": 2, "ask_again": 2, "never_again": 1, "hear_again": 1, "ask_move": 3,
    "grant_move": 4, "refuse_move": 2, "rename": 1, "set_invitation_days": 1, "close": 1,
    "found": 1, "ask_change": 4, "confirm_change": 5, "undo_change": 3, "cancel_change": 1,
    "close_account": 1,
}  # fmt: skip
PLACES = ("acme", "acme", "acme", "bolt")
LISTS = [[one] for one in PEOPLE] + [[BOB, BOB, "nobody"], [EVE, FAY, GIL], [CY, HAL]]
COMMANDS = [name for name, often in ANYTHING.items() for _ in range(often)]
REPLY = ("decline", "ask_again", "never_again", "hear_again")
INVITATION = ("resend", "revoke", "extend", "correct", *REPLY, "ask_move")
INVITATION += ("accept", "sign_up_by_link")
CHANGE = ("confirm_change", "undo_change")
OWN = ("found", "ask_change", "cancel_change", "close_account", *CHANGE)  # of no organization
MOVE = ("grant_move", "refuse_move")
TOKEN = ("activate", "reissue", "end_old")
SUBSCRIPTION = ("pay", "resize", "change_card", "cancel", "resume")
ALONE = "pay_now"  # refuses others while the card is asked, as if it were neither before nor after
OFFER = ("accept_offer", "decline_offer", "cancel_offer")
MEMBER = ("make_admin", "make_billing_admin", "make_member", "leave", "remove")
SEAT = ("assign_seat", "revoke_seat", "ask_seat", "withdraw", "line_up", "refuse_seat")
MEMBER += (*SEAT, "offer")
MEETING = (
    INVITATION,
    MOVE,
    OWN[1:],
    (*SUBSCRIPTION, "purchase", "assign_seat"),
    (*OFFER, "close"),
    (*MEMBER, *TOKEN),
)
SEATS = st.sampled_from([0, 1, 2, 2, 3, 3, 4, 5, 100_001])
WORDS = {
    "found": {"name": st.just("Cave"), "typed": st.sampled_from(["cave", "Cave", "Acme", "login"])},
    "rename": {"name": st.sampled_from(["Acme", "Bolt", "Cave & Sons"])},
    "set_invitation_days": {"days": st.sampled_from(DAYS)},
    "invite": {"emails": st.sampled_from(LISTS), "seat": st.sampled_from([False, False, True])},
    "decline": {"word": st.sampled_from(["", "No time."])},
    "correct": {"email": st.sampled_from([*PEOPLE, "nobody"])},
    "ask_seat": {"word": st.sampled_from(["", "For the build."])},
    "refuse_seat": {"word": st.sampled_from(["", "Not this year."])},
    "ask_change": {"email": st.sampled_from([*PEOPLE, "nobody"])},
    "purchase": {"seats": SEATS},
    "resize": {"seats": SEATS},
    "pay": {"last4": st.sampled_from(["4242", "0341"])},
    "change_card": {"last4": st.sampled_from(["4242", "5556", "0341"])},
    "cancel": {"word": st.sampled_from(["", "Too dear."])},
    "close": {"typed": st.sampled_from(["acme", "Bolt", "cave", ""])},
    "reissue": {"hours": st.sampled_from([0, 0, 1, 24, 24, 2])},
}


@st.composite
def a_step(draw, town):
    """A command that somebody could ask for, or None where there is nothing to ask about."""
    command = draw(st.sampled_from(COMMANDS))
    place = "" if command in OWN else draw(st.sampled_from(PLACES))
    return _step(draw, town, command, place, {})


def too_late(town):
    """What those would do who open their letters when their time is over."""
    for place, organization in town.organizations.items():
        for number, one in enumerate(organization.invitations):
            person = town.person_at(one.email)
            if person and one.state == "sent" and one.expires <= town.now:
                yield Step("accept", person, place, {"number": number})


@st.composite
def a_pair(draw, town):
    """Two that could meet: on one row, on each other, or nowhere; None where there is nothing."""
    kind = draw(st.sampled_from(["row", "row", "each other", "anywhere"]))
    if kind == "each other":
        return draw(_on_each_other(town.organizations["acme"]))
    step = draw(a_step(town))
    rival = step and draw(_on_the_same(town, step) if kind == "row" else a_step(town))
    return [step, rival] if rival and ALONE not in (step.command, rival.command) else None


@st.composite
def _on_the_same(draw, town, step):
    """A command about the row that this step is about."""
    known = {"number": step.words["number"]} if "number" in step.words else {}
    meeting = next((group for group in MEETING if step.command in group), (step.command,))
    return _step(draw, town, draw(st.sampled_from(meeting)), step.place, known)


@st.composite
def _on_each_other(draw, organization):
    """Two of the admins, where there are two beside the owner, else any two members."""
    members = [(n, one) for n, one in enumerate(organization.members) if one.active and n]
    admins = [(n, one) for n, one in members if one.role == "admin"]
    both = admins if len(admins) > 1 else members
    if len(both) < 2:
        return None
    (first, one), (second, other) = draw(st.permutations(both))[:2]
    return [
        _doing(draw, one.person, second),
        _doing(draw, other.person, first),
    ]


def _doing(draw, by, number):
    command = draw(st.sampled_from(MEMBER))
    return Step(command, by, "acme", {"number": number} | _words(draw, command))


def _step(draw, town, command, place, known):
    if command in CHANGE:
        return _on_change(draw, town, command, known)
    if command in OWN:
        return Step(command, draw(_anybody(town)), "", _words(draw, command))
    about = _about(draw, town.organizations[place], command, known)
    if about is None:
        return None
    by = draw(_who(town, place, command, about))
    return Step(command, by, place, about | _words(draw, command))


def _on_change(draw, town, command, known):
    """By whoever asked for it, or types the old address; sometimes by another one."""
    about = _one(draw, "number", town.changes, known)
    if about is None:
        return None
    change = town.changes[about["number"]]
    likely = change.person
    if command == "undo_change" and change.state == "confirmed" and change.old not in town.people:
        likely = change.old
    return Step(command, draw(_often([likely]) | _anybody(town)), "", about)


def _anybody(town):
    """Whoever has an account."""
    return st.sampled_from([one for one, address in town.people.items() if address])


def _words(draw, command):
    return {name: draw(values) for name, values in WORDS.get(command, {}).items()}


def _about(draw, organization, command, known):
    """Which invitation, member, token or subscription; the newest are asked for most."""
    if command in TOKEN:
        return _a_token(draw, organization, command, known)
    for commands, rows in (
        (MOVE, organization.moves),
        (INVITATION, organization.invitations),
        ((*SUBSCRIPTION, ALONE), organization.subscriptions),
        (OFFER, organization.offers),
        (MEMBER, organization.members),
    ):
        if command in commands:
            about = _one(draw, "number", rows, known)
            return about and _chosen(draw, organization, command, about)
    return {}


def _one(draw, name, rows, known):
    """Any of these rows, and more often one that something can still be done with."""
    if known:
        return dict(known) if known[name] < len(rows) else None
    anyone, open_ones = range(len(rows)), [n for n, row in enumerate(rows) if _is_open(row)]
    return {name: draw(st.sampled_from(anyone) | _often(open_ones or anyone))} if rows else None


def _chosen(draw, organization, command, about):
    """Sometimes an admin says who gets a seat that is revoked."""
    if command == "revoke_seat":
        anyone = [None, None, *range(len(organization.members))]
        return about | {"to": draw(st.sampled_from(anyone))}
    return about


def _is_open(row):
    if isinstance(row, Member):
        return row.active
    return row.state in (
        "sent",
        "expired",
        "accepted",
        "incomplete",
        "active",
        "canceling",
        "past_due",
        "suspended",
        "offered",
        "asked",
        "confirmed",
    )


def _often(values):
    """Two branches beside another one."""
    return st.sampled_from(values) | st.sampled_from(values).map(lambda value: value)


def _a_token(draw, organization, command, known):
    having = [number for number, one in enumerate(organization.members) if one.tokens]
    if not having or known.get("number", having[0]) not in having:
        return None
    living = [n for n in having if organization.members[n].seated]
    number = known.get("number", draw(st.sampled_from(having) | _often(living or having)))
    tokens = organization.members[number].tokens
    chosen = {"number": number} | _one(draw, "which", tokens, {})
    if command == "reissue":
        back = draw(st.sampled_from([0, 0, 0, 0, 1]))
        chosen["shown"] = max(0, tokens[chosen["which"]].generation - back)
    return chosen


def _who(town, place, command, about):
    """Anybody, and more often whoever has a reason to ask."""
    organization, number = town.organizations[place], about.get("number", 0)
    if command in REPLY:
        email = organization.invitations[number].email
        return _often([town.person_at(email) or email]) | st.sampled_from(PEOPLE)
    anybody = _anybody(town)
    if command == "ask_move":
        return anybody
    if command in ("accept", "sign_up_by_link"):
        person = town.person_at(organization.invitations[number].email)
        return _often([person]) | anybody if person else anybody
    if command in OFFER[:2]:
        return _often([organization.offers[number].chosen.person]) | anybody
    if command in (*TOKEN, "leave", "ask_seat", "withdraw"):
        return _often([organization.members[number].person]) | anybody
    return _often([CY, organization.owner.person]) | anybody
