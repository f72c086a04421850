"""What Usher does. Each module is one workflow; each may import only those named before it.

The list is the reading order, the import order and the order in which rows are locked.
"""

ORDER = [
    "accounts",
    "operators",
    "log_ins",
    "resets",
    "sessions",
    "memberships",
    "organizations",
    "handovers",
    "roles",
    "quotas",
    "invitations",
    "verdicts",
    "tokens",
    "seats",
    "seat_blocks",
    "guest_lists",
    "mailshots",
    "prices",
    "invoices",
    "subscriptions",
    "arrivals",
    "departures",
    "gate",
    "journeys",
    "lines",
    "directories",
    "closures",
    "permissions",
    "deeds",
    "cases",
    "errands",
    "chronicles",
    "correspondence",
    "exports",
    "deliveries",
    "mailrooms",
    "lookups",
    "prospects",
    "reruns",
    "ailments",
    "remedies",
    "stuck_letters",
    "stuck_people",
    "stuck_processes",
    "stuck",
    "invariants",
    "machines",
    "surveys",
    "rescues",
    "acknowledgements",
    "overview",
    "titles",
]

from importlib import import_module  # noqa: E402

for _noun in ORDER:  # every table is known, and in this order, whatever a door imports first
    import_module(f"workflows.{_noun}")
