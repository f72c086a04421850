"""Who may do what: `spec.md` §4 written down again, by hand, a row for each route and method.

What would surprise a reader: nothing here is read from the code. Where the two disagree, one of
them is wrong, and a person decides which.
"""

from dataclasses import dataclass, field

# Who is meant by the words of the rows, as roles in the organization of the address.
ROLES = {
    "members": {"owner", "admin", "billing", "seated", "member"},
    "admins": {"owner", "admin"},
    "owner": {"owner"},
    "billing admins": {"owner", "admin", "billing"},
    "those who can leave": {"seated", "member"},  # 4.4
}
# Words about people, whatever organization they are in.
EVERYBODY, SIGNED_IN, INVITED = "everybody", "whoever is logged in", "the invited person"
OPERATOR = "whoever runs Usher"
NOBODY = "nobody who has not opened a link"  # the pages behind links in letters
LOG_IN = "led to the login page"
WORDS = {EVERYBODY, SIGNED_IN, INVITED, NOBODY, OPERATOR, *ROLES}


@dataclass(frozen=True)
class Row:
    """Who may, what is sent, and how Usher answers those who may; whom the address is about."""

    who: str
    form: dict = field(default_factory=dict)
    status: int = 0  # 200 for GET, 303 for POST
    about: str = "member"  # whose membership is meant
    own: frozenset = frozenset()  # other answers that depend on what one has
    no: str = "403"  # how a member is refused; 409 where the machine has no such arrow
    first: str = LOG_IN  # how whoever is not logged in is


PASSWORD = {"password": "a password to test with"}
LOGIN = {"email": "stranger@acme.test", **PASSWORD}
CARD = {"card_number": "4242424242424242", "expiry": "12/39", "cvc": "123"}
NO_OLD = frozenset({409})
EVERYBODYS = {
    "GET /": Row(EVERYBODY, status=303),
    "GET /signup": Row(EVERYBODY),
    "POST /signup": Row(EVERYBODY, {"name": "New", "email": "new@new.test", **PASSWORD}),
    "GET /signup/sent": Row(EVERYBODY),
    "GET /login": Row(EVERYBODY),
    "POST /login": Row(EVERYBODY, LOGIN),
    "POST /logout": Row(EVERYBODY),
    "GET /forgot": Row(EVERYBODY),
    "POST /forgot": Row(EVERYBODY, {"email": "owner@acme.test"}),
    "GET /forgot/sent": Row(EVERYBODY),
    "GET /profile/address/undone": Row(EVERYBODY),
    "GET /healthz": Row(EVERYBODY),
    "GET /readyz": Row(EVERYBODY),
    "GET /static/<path:filename>": Row(EVERYBODY),
    # Of the embedded mode, in which everybody is an operator; see `test_who_may.py` for the rest.
    "GET /dev/mailbox": Row(EVERYBODY),
    "GET /dev/mailbox.json": Row(EVERYBODY),
    "GET /dev/mailbox/<letter_id>": Row(EVERYBODY),
    "GET /dev/mailbox/<letter_id>/html": Row(EVERYBODY),
    "GET /letters": Row(EVERYBODY, status=302),
    "GET /letters/<name>": Row(EVERYBODY),
    "GET /letters/<name>/html": Row(EVERYBODY),
    "GET /letters/<name>/text": Row(EVERYBODY),
}
AT_ONCE = "POST /never/<sealed>"  # for mail programs, which saw no form of ours
BEHIND_A_LINK = {
    "GET /signup/<sealed>": Row(NOBODY),
    "GET /signup/confirm": Row(NOBODY),
    "POST /signup/confirm": Row(NOBODY, PASSWORD),
    "GET /reset/<sealed>": Row(NOBODY),
    "GET /reset": Row(NOBODY),
    "POST /reset": Row(NOBODY, PASSWORD),
    "GET /profile/address/confirm/<sealed>": Row(NOBODY),
    "GET /profile/address/confirm": Row(NOBODY),
    "POST /profile/address/confirm": Row(NOBODY, PASSWORD),
    "GET /profile/address/undo/<sealed>": Row(NOBODY),
    "GET /profile/address/undo": Row(NOBODY),
    "POST /profile/address/undo": Row(NOBODY, {"email": "owner@acme.test"}),
    "GET /join/<sealed>": Row(NOBODY),
    "GET /join": Row(NOBODY),
    "POST /join": Row(NOBODY),
    "POST /join/switch": Row(NOBODY),
    "GET /join/login": Row(NOBODY),
    "POST /join/login": Row(NOBODY, PASSWORD),
    "GET /join/signup": Row(NOBODY),
    "POST /join/signup": Row(NOBODY, {"name": "New", **PASSWORD}),
    "GET /join/decline": Row(NOBODY),
    "POST /join/decline": Row(NOBODY, {"email": "invited@acme.test"}),
    "GET /join/declined": Row(NOBODY),
    "GET /join/logo": Row(NOBODY),
    "POST /join/move": Row(NOBODY),
    "GET /join/ask": Row(NOBODY),
    "POST /join/ask": Row(NOBODY, {"email": "invited@acme.test"}),
    "GET /join/asked": Row(NOBODY),
    "GET /never/<sealed>": Row(NOBODY),
    AT_ONCE: Row(NOBODY, {"List-Unsubscribe": "One-Click"}),
    "GET /never": Row(NOBODY),
    "POST /never": Row(NOBODY, {"email": "invited@acme.test", "wish": "never"}),
}
PERSONAL = {
    "GET /profile": Row(SIGNED_IN),
    "POST /profile": Row(SIGNED_IN, {"name": "Another Name"}),
    "GET /profile/password": Row(SIGNED_IN),
    "POST /profile/password": Row(SIGNED_IN, {**PASSWORD, "old_password": PASSWORD["password"]}),
    "GET /profile/sessions": Row(SIGNED_IN),
    "POST /profile/sessions": Row(SIGNED_IN),
    "POST /profile/sessions/end": Row(SIGNED_IN, {"session": "0"}),
    "POST /profile/takeout": Row(SIGNED_IN, status=200),
    "GET /profile/close": Row(SIGNED_IN),
    "POST /profile/close": Row(SIGNED_IN, own=frozenset({409})),  # not while one owns
    "GET /profile/address": Row(SIGNED_IN),
    "POST /profile/address": Row(SIGNED_IN, {"email": "elsewhere@new.test"}),
    "POST /profile/address/cancel": Row(SIGNED_IN),
    "GET /organizations": Row(SIGNED_IN),
    "GET /organizations/new": Row(SIGNED_IN),
    "POST /organizations/new": Row(SIGNED_IN, {"name": "New Place", "slug": "new-place"}),
    "GET /organizations/check": Row(SIGNED_IN),
    "GET /subscriptions": Row(SIGNED_IN),
    "POST /invitations/<int:invitation_id>/accept": Row(INVITED),
    "GET /invitations/<int:invitation_id>/decline": Row(INVITED),
    "POST /invitations/<int:invitation_id>/decline": Row(INVITED),
}
MEMBERS = {  # see home, View Members, own activity; own token with a seat; leave (4.4)
    "GET /<slug>": Row("members", status=302),
    "GET /<slug>/home": Row("members"),
    "GET /<slug>/members": Row("members"),
    "GET /<slug>/activity": Row("members"),
    "POST /<slug>/activity.csv": Row("members", status=200),
    "GET /<slug>/logo": Row("members"),
    "GET /<slug>/who-may": Row("members"),
    "GET /<slug>/leave": Row("members"),
    "POST /<slug>/leave": Row("those who can leave", no="409"),
    # Whoever has a seat already, or waits for none, is refused by the rule.
    "GET /<slug>/seat/ask": Row("members"),
    "POST /<slug>/seat/ask": Row("members", own=NO_OLD),
    "POST /<slug>/seat/withdraw": Row("members", status=409),
    "GET /<slug>/token": Row("members"),
    "GET /<slug>/token/activate": Row("members"),
    "GET /<slug>/token/reissue": Row("members"),
    "GET /<slug>/token/end-old": Row("members"),
    "POST /<slug>/token/activate": Row("members", own=NO_OLD),
    "POST /<slug>/token/reissue": Row("members", {"generation": "1", "hours": "24"}),
    "POST /<slug>/token/end-old": Row("members", own=NO_OLD),
}
ONE = "/<slug>/members/<int:membership_id>"
ASKED = "/<slug>/invitations/<int:invitation_id>"
ERRAND = "/<slug>/members/errands/<int:errand_id>"
ADMINS = {  # invite, resend, revoke; assign, revoke seats; roles, remove; rename, settings
    "GET /<slug>/invitations": Row("admins"),
    f"GET {ASKED}": Row("admins"),
    f"GET {ONE}": Row("admins", about="owner"),
    "GET /<slug>/invitations/new": Row("admins"),
    "POST /<slug>/invitations/new": Row("admins", {"addresses": "new@new.test"}),
    "POST /<slug>/invitations/look-over": Row("admins", {"addresses": "a@b.test"}, status=200),
    f"POST {ASKED}/resend": Row("admins"),
    f"POST {ASKED}/revoke": Row("admins"),
    f"POST {ASKED}/extend": Row("admins"),
    f"GET {ASKED}/correct": Row("admins"),
    f"POST {ASKED}/correct": Row("admins", {"email": "right@new.test"}),
    f"GET {ASKED}/move": Row("admins"),
    f"POST {ASKED}/move": Row("admins", {"asker_email": "gone@acme.test"}),
    f"POST {ASKED}/refuse-move": Row("admins"),
    f"POST {ONE}/assign": Row("admins"),
    f"POST {ONE}/revoke-seat": Row("admins", about="seated"),
    f"GET {ONE}/revoke-seat": Row("admins", about="seated"),
    "GET /<slug>/waitlist": Row("admins"),
    f"POST {ONE}/line-up": Row("admins"),
    f"GET {ONE}/out-of-line": Row("admins"),
    f"POST {ONE}/out-of-line": Row("admins", {"word": "Not yet"}, about="waiting"),
    f"POST {ONE}/make-admin": Row("admins"),
    f"POST {ONE}/make-billing-admin": Row("admins"),
    f"POST {ONE}/make-member": Row("admins", about="billing"),
    f"POST {ONE}/remove": Row("admins"),
    f"GET {ONE}/remove": Row("admins"),
    "GET /<slug>/members/errands": Row("admins"),
    "POST /<slug>/members/errands": Row("admins", {"deed": "assign", "who": "m{member}"}),
    f"GET {ERRAND}": Row("admins"),
    f"POST {ERRAND}/begin": Row("admins"),
    f"POST {ERRAND}/stop": Row("admins", status=409),  # it has not begun
    f"POST {ERRAND}/again": Row("admins"),
    f"POST {ERRAND}/line-up": Row("admins", status=422),  # nobody was refused for want of a seat
    "POST /<slug>/members.csv": Row("admins", status=200),
    "GET /<slug>/settings": Row("admins"),
    "GET /<slug>/settings/name": Row("admins"),
    "POST /<slug>/settings/name": Row("admins", {"name": "Another Name"}),
    "GET /<slug>/settings/invitations": Row("admins"),
    "POST /<slug>/settings/invitations": Row("admins", {"days": "7"}),
    "GET /<slug>/settings/logo": Row("admins"),
    "POST /<slug>/settings/logo": Row("admins", status=422),  # without a file
    "POST /<slug>/settings/logo/remove": Row("admins"),
    "POST /<slug>/home/skip": Row("admins", {"step": "contact"}),
}
PLAN = {"seats": "5", "interval": "yearly"}
BILLING = {  # purchase, update, cancel; invoices, card. Both organizations have bought already.
    "GET /<slug>/subscriptions": Row("billing admins"),
    "GET /<slug>/subscriptions/new": Row("billing admins", status=303),
    "POST /<slug>/subscriptions/new": Row("billing admins", PLAN, status=409),
    "GET /<slug>/subscriptions/pay": Row("billing admins", status=303),
    "POST /<slug>/subscriptions/pay": Row("billing admins", {"purchase": "{purchase}", **CARD}),
    "GET /<slug>/subscriptions/update": Row("billing admins"),
    "POST /<slug>/subscriptions/update": Row("billing admins", {"seats": "5", "shown": "4"}),
    "GET /<slug>/subscriptions/card": Row("billing admins"),
    "POST /<slug>/subscriptions/card": Row(
        "billing admins", {"subscription": "{purchase}", **CARD, "card_number": "5555555555554444"}
    ),
    "POST /<slug>/subscriptions/pay-now": Row("billing admins", status=409),  # nothing is owed
    "GET /<slug>/subscriptions/cancel": Row("billing admins"),
    "POST /<slug>/subscriptions/cancel": Row("billing admins", {"word": "Too dear."}),
    "POST /<slug>/subscriptions/resume": Row("billing admins", status=409),  # not canceled
    "GET /<slug>/billing-contact": Row("billing admins"),
    "POST /<slug>/billing-contact": Row("billing admins", {"name": "Acme", "address": "2 Road"}),
    "POST /<slug>/billing-contact/remove": Row("billing admins"),
    "GET /<slug>/subscriptions/invoices/<int:invoice_id>": Row("billing admins"),
}
OWNERS = {  # hand over ownership, close the organization; the page of it is for admins
    "GET /<slug>/ownership": Row("admins"),
    "POST /<slug>/ownership": Row("owner", {"member": "{admin}"}, own=frozenset({409})),
    # Nothing is offered in this town: who may is told by the answer to an offer that is not there.
    "POST /<slug>/ownership/accept": Row("admins", status=409),
    "POST /<slug>/ownership/decline": Row("admins", status=409),
    "POST /<slug>/ownership/cancel": Row("admins", status=409),
    "GET /<slug>/close": Row("owner"),
    "POST /<slug>/close": Row("owner", {"typed": "{slug}"}),
}
UNTIL = "2099-01-01T00:00:00+00:00"
RESCUE = {"row": "{invitation}", "until": UNTIL, "number": "9", "why": "to try"}
OPERATORS = {  # the status page; an operator is made on the command line
    "GET /status": Row(OPERATOR),
    "GET /status.json": Row(OPERATOR),
    "GET /status/stuck/<ailment>": Row(OPERATOR),
    "GET /status/stuck/<ailment>/acknowledge": Row(OPERATOR),
    "POST /status/stuck/<ailment>/acknowledge": Row(OPERATOR, {"note": "It is known."}),
    "GET /status/stuck/<ailment>/<remedy>": Row(OPERATOR),
    "POST /status/stuck/<ailment>/<remedy>": Row(OPERATOR, RESCUE),
    "GET /status/rescues/<int:rescue_id>": Row(OPERATOR),
    "GET /metrics": Row(OPERATOR, first="401"),
    "GET /status/search": Row(OPERATOR),
    "GET /status/letters": Row(OPERATOR),
    "GET /status/letters/<int:letter_id>": Row(OPERATOR),
    "GET /status/letters/<int:letter_id>/html": Row(OPERATOR),
    "GET /status/letters/pause": Row(OPERATOR),
    "POST /status/letters/pause": Row(OPERATOR, {"domain": "else.test", "why": "they asked"}),
    "GET /status/memberships/<int:membership_id>": Row(OPERATOR),
    "GET /status/invitations/<int:invitation_id>": Row(OPERATOR),
    "GET /status/tokens/<int:token_id>": Row(OPERATOR, status=302),
    "GET /status/seats/<int:seat_id>": Row(OPERATOR, status=302),
    "GET /status/subscriptions/<int:subscription_id>": Row(OPERATOR),
    "GET /status/sign-ups/<int:sign_up_id>": Row(OPERATOR),
    "GET /status/organizations/<int:organization_id>": Row(OPERATOR),
    "GET /status/<kind>/<int:row_id>.json": Row(OPERATOR),
    "GET /status/<kind>/<int:row_id>/<deed>": Row(OPERATOR),
    "POST /status/<kind>/<int:row_id>/<deed>": Row(OPERATOR, {"why": "they asked"}),
}
MAY = OPERATORS | EVERYBODYS | BEHIND_A_LINK | PERSONAL | MEMBERS | ADMINS | BILLING | OWNERS


FIRST = [f"<int:{one}_id>" for one in (  # of which the town has the first of all
    "letter", "token", "seat", "subscription", "sign_up", "organization", "rescue",
)]  # fmt: skip


def address(rule, slug, ids, about="member"):
    """The address of this rule in an organization, with the ids of its rows."""
    invitation = ids["invitation" if "<slug>" in rule else "personal"]
    for placeholder, text in {
        "<slug>": slug,
        "<int:membership_id>": ids[about],
        "<int:invitation_id>": invitation,
        "<int:invoice_id>": ids["invoice"],
        "<int:errand_id>": ids["errand"],
        "<ailment>": "invitation-unanswered",
        "<remedy>": "revoke",
        "<kind>": "invitations",
        "<int:row_id>": ids["invitation"],
        "<deed>": "resend",
        **dict.fromkeys(FIRST, 1),
        "<sealed>": "a.b",
        "<letter_id>": "one",
        "<name>": "invitation",
        "<path:filename>": "usher.css",
    }.items():
        rule = rule.replace(placeholder, str(text))
    return rule


def filled(form, ids):
    return {name: value.format(**ids) for name, value in form.items()}
