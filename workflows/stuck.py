"""Stuck: every way a workflow of Usher can be stuck or wait, in one list.

What would surprise a reader: this list is all there is. The status page, `/metrics`, the alert
rules, `./usher stuck` and `docs/status.md` are made from it.
"""

from __future__ import annotations

from workflows.ailments import Ailment
from workflows.stuck_letters import LETTERS
from workflows.stuck_people import CONTRADICTIONS, PERSONS
from workflows.stuck_places import PLACES
from workflows.stuck_processes import PROCESSES

AILMENTS: tuple[Ailment, ...] = (*PROCESSES, *LETTERS, *CONTRADICTIONS, *PLACES, *PERSONS)
BY_NAME = {ailment.name: ailment for ailment in AILMENTS}

# Of the list that Usher was planned with: what is not among them, and why.
NOT_LISTED = {
    "K10": "The mail server's answer is the last that Usher hears: there is no provider to lose.",
    "K13": "Reissues of one token are limited, and a letter that was superseded is never sent.",
    "K14": "A seat points at an active member. The database refuses to let the member go first.",
    "K15": "Seats are rows: taking away more than are free is refused, and nobody evicts.",
    "K16": "No provider of payments reports events yet.",
    "K17": "Forming an organization is one transaction: there is none that is half formed.",
    "K19": "A form that comes twice needs no row that could stay behind (decision 6).",
    "K23": "PostgreSQL shows its own locks; Usher holds none while it waits for anybody else.",
    "K25": "History is append-only by trigger, not a chain that could break.",
    "K27": "Nobody is suppressed: whoever gets too many letters gets them later.",
    "K28": "Invitations carry no role, so none is held when its inviter goes.",
    "K29": "There is no restored mode to leave.",
    "W2": "Who opens a link as somebody else is told at once. It is not written down.",
    "W8": "A token that was used once is not waited for, though its newest secret may be unused.",
}


def ailment(name: str) -> Ailment | None:
    return BY_NAME.get(name)
