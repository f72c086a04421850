"""The town and Usher side by side: every step is taken in both, and everything is compared."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta

import racing
from model import postbox, sights
from model.steps import ANN, BOB, CY, DEE, EVE, FAY, GIL, IDA, KNOWN, Step
from model.town import Town

from workflows import accounts
from workflows.engine import identity, outbox
from workflows.engine.db import db
from workflows.engine.letters import Letter as Posted
from workflows.engine.refusals import Refusal
from workflows.engine.settings import settings

EVERY = 5  # steps
OPENING = [
    Step("found", ANN, "", {"name": "Acme", "typed": "acme"}),
    Step("invite", ANN, "acme", {"emails": [BOB, CY, DEE, IDA]}),
    *(Step("accept", one, "acme", {"number": n}) for n, one in enumerate((BOB, CY, DEE, IDA))),
    Step("make_admin", ANN, "acme", {"number": 2}),
    Step("make_admin", CY, "acme", {"number": 4}),
    Step("make_billing_admin", CY, "acme", {"number": 3}),
    Step("purchase", DEE, "acme", {"seats": 2}),
    Step("pay", DEE, "acme", {"number": 0, "last4": "0341"}),
    Step("assign_seat", CY, "acme", {"number": 1}),
    Step("found", FAY, "", {"name": "Bolt", "typed": "Bolt"}),
    Step("invite", FAY, "bolt", {"emails": [EVE]}),
    Step("accept", EVE, "bolt", {"number": 0}),
    Step("purchase", FAY, "bolt", {"seats": 2}),
    Step("pay", FAY, "bolt", {"number": 0}),
    Step("assign_seat", FAY, "bolt", {"number": 1}),
    Step("cancel", FAY, "bolt", {"number": 0, "word": "Too dear."}),
    Step("activate", BOB, "acme", {"number": 1, "which": 0}),
    Step("invite", CY, "acme", {"emails": [EVE, GIL]}),
]


class World:
    """Takes steps in the town and in Usher; fails where they differ, with all steps so far."""

    def __init__(self, town, beginning, secrets=()):
        self.town, self.beginning = town, beginning
        self.secrets = dict(secrets)  # each that was ever mailed, and whose it is
        self.told = []
        self.set_clock()

    def set_clock(self):
        """Usher's clock shows the town's time."""
        shown = self.beginning + timedelta(hours=self.town.now)
        settings().clock_offset = (shown - datetime.now(UTC)).total_seconds()

    def take(self, step):
        self.told.append(str(step))
        command = step.for_real(self.town)
        right = step.in_town(self.town)
        answer = _answer(command)
        self.told[-1] += f" → {answer}"
        self.expect(answer in right, [f"{answer} instead of {' or '.join(sorted(right))}"])
        self.compare()

    def take_at_once(self, race, steps):
        """Two steps in two sessions; it must have been as if one came after the other."""
        self.told.append(f"at once: {'; '.join(map(str, steps))}")
        refusals = race(*[step.for_real(self.town) for step in steps])
        answers = [type(one).__name__ if one else "allowed" for one in refusals]
        self.told[-1] += f" → {', '.join(answers)}"
        ways = [self._one_after_the_other(steps, answers, order) for order in ((0, 1), (1, 0))]
        fitting = [town for town, problems in ways if not problems]
        self.expect(fitting, [line for _, problems in ways for line in ["in order:", *problems]])
        self.town = fitting[0]
        self.compare()

    def _one_after_the_other(self, steps, answers, order):
        """The town after these steps in this order, and how Usher differs from it."""
        town, problems = deepcopy(self.town), []
        for turn in order:
            right = steps[turn].in_town(town)
            if answers[turn] not in right:
                problems.append(f"{steps[turn]}: {answers[turn]} instead of {sorted(right)}")
        sight = sights.Sight(self.beginning, town)
        return town, problems + list(sights.differences(town, sight, self.secrets))

    def wait(self, hours):
        self.town.goes_on(hours)
        self.told.append(f"{hours} hours pass")
        self.set_clock()
        self.compare()

    def hand_over(self, most, refused=False):
        """Letters leave, at most so many; or the mail server refuses them for good."""
        self.told.append(f"{most} letters are {'refused' if refused else 'handed over'}")
        for _ in range(most):
            if not (claims := outbox.claim(1, "test")):
                break
            self._settle(claims[0], refused)
        self.compare()

    def _settle(self, claim, refused):
        envelope = outbox.compose(claim)
        if envelope:
            settle = outbox.bounced if refused else outbox.sent
            settle(claim, "550 no" if refused else "250 OK")
        posted = db.session.get_one(Posted, claim.letter_id)
        if posted.template in postbox.TOLD:
            letter = sights.Sight(self.beginning, self.town).letter(posted)
            self._expect_letter(letter, envelope, refused)

    def _expect_letter(self, letter, envelope, refused):
        owed = next((one for one in self.town.letters if sights.plain(one) == letter), None)
        if envelope is None:
            if owed:
                moot = postbox.wanted(self.town, owed) != "must"
                self.expect(moot, [f"did not leave: {owed}"])
                postbox.keep_back(self.town, owed)
            return
        wanted = owed and postbox.wanted(self.town, owed) != "never"
        self.expect(wanted, [f"nobody should get it: {letter}"])
        readers = postbox.readers(self.town, owed)
        self.expect(envelope.to in readers, [f"{owed} went to {envelope.to}, not {readers}"])
        (postbox.bounce if refused else postbox.hand_over)(self.town, owed)
        if "token" in envelope.facts:
            self.secrets[envelope.facts["token"]] = (owed.place, *owed.about, owed.number)

    def compare(self):
        sight = sights.Sight(self.beginning, self.town)
        problems = list(sights.differences(self.town, sight, self.secrets))
        self.expect(not problems, problems)
        if len(self.told) % EVERY == 0:
            self.look_for_the_impossible()

    def look_for_the_impossible(self):
        """Now and then, and at the end: what cannot be stays so until somebody looks."""
        try:
            racing.nothing_is_wrong()
        except AssertionError as broken:
            self.expect(False, [str(broken)])

    def expect(self, holds, otherwise):
        if not holds:
            steps = "\n".join(f"{n:3} {said}" for n, said in enumerate(self.told, 1))
            told = "\n".join([f"Usher differs after\n{steps}", *otherwise])
            print(told)  # what two do at once may not happen a second time
            raise AssertionError(told)


def _answer(command):
    try:
        command()
    except Refusal as refusal:
        return type(refusal).__name__
    return "allowed"


def opened():
    """A world in which the opening was played, in the database of the app that is pushed."""
    hashed = identity.hash_password("a password to test with")
    for email in KNOWN:
        name = email.partition("@")[0].title()
        accounts.confirm(accounts.remember_sign_up(name, email, email, hashed))
    beginning = datetime.now(UTC)
    world = World(Town({email: email for email in KNOWN}, beginning), beginning)
    for step in OPENING:
        world.take(step)
    world.hand_over(100)
    return world
