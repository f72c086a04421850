"""Own turns: the line of a person, as that person reads it, or an operator. Read only.

`journeys` speaks to an admin: whose turn it is hangs on who reads.
"""

from __future__ import annotations

from dataclasses import replace

from workflows.journeys import Person, Turn
from workflows.places import Standing


def for_themselves(person: Person) -> Person:
    """The line of a member as that member reads it: what waits for an admin is not their turn."""
    return replace(person, turn=_own_turn(person))


def for_operators(person: Person) -> Person:
    """The line of a person as operators read it, who are neither the admins nor the person."""
    turns = {"Your turn": "An admin’s turn", "Their turn": "The person’s turn"}
    whose = turns.get(person.turn.whose, person.turn.whose)
    return replace(person, turn=replace(person.turn, whose=whose))


def _own_turn(person: Person) -> Turn:
    token, turn = person.token, person.turn
    if person.standing:
        return _own_wait(person.standing)
    if token is None and person.membership and person.membership.state != "member":
        return Turn("All set", "You need no seat for what you do here.")
    if token is None:
        since = person.membership.since if person.membership else None
        return Turn("Their turn", "You have joined. An admin gives you a seat next.", since)
    if token.state == "inactive":
        return Turn(
            "Your turn", "You have a seat. Activate its token.", token.since, "Activate Token"
        )
    if token.first_download_at:
        return replace(turn, button="Token Access")
    if turn.whose == "Usher's turn":
        return replace(turn, sentence="The letter with your token is on its way.")
    sentence = "Your token was mailed to you. Use it for a first download."
    if turn.bad:
        sentence = "The letter with your token did not arrive. Reissue the token to get another."
    return Turn("Your turn", sentence, token.since, "Token Access", turn.bad)


def _own_wait(standing: Standing) -> Turn:
    since = standing.place.since
    if not standing.in_line:
        return Turn("Their turn", "You asked for a seat. An admin decides next.", since)
    sentence = f"{standing.words}: you get a seat as soon as one frees."
    return Turn("Usher's turn", sentence, since)
