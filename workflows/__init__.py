"""What Usher does. Each module is one workflow; each may import only those named before it.

The list is the reading order, the import order and the order in which rows are locked.
"""

ORDER = [
    "accounts",
    "log_ins",
    "resets",
    "sessions",
    "address_changes",
    "address_notices",
    "profiles",
    "memberships",
    "organizations",
    "handovers",
    "roles",
    "quotas",
    "silences",
    "invitations",
    "invitation_letters",
    "replies",
    "reminders",
    "verdicts",
    "tokens",
    "places",
    "seats",
    "licences",
    "seat_blocks",
    "notices",
    "waitlist",
    "guest_lists",
    "mailshots",
    "logos",
    "billing_contacts",
    "corrections",
    "moves",
    "prices",
    "invoices",
    "subscriptions",
    "arrivals",
    "departures",
    "account_closures",
    "gate",
    "journeys",
    "lines",
    "directories",
    "setups",
    "closures",
    "permissions",
    "deeds",
    "cases",
    "errands",
    "chronicles",
    "correspondence",
    "exports",
    "takeouts",
]

from importlib import import_module  # noqa: E402

for _noun in ORDER:  # every table is known, and in this order, whatever a door imports first
    import_module(f"workflows.{_noun}")
