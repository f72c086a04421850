"""Whatever people do, and in whichever order, Usher does what its specification says.

What would surprise a reader: usually the same steps are taken each time. With `--full` they are
chosen by chance. The first seed stands in the verdict, the last is said where they differ:
`USHER_SEED=… ./usher test tests/model` takes those steps again, and leaves out what it can.
"""

import os
import random
import sys

import pytest
import racing
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from model import choices
from model.steps import CHARGE, EXPIRE

ALONE, AT_ONCE = {False: 2_000, True: 50_000}, {False: 150, True: 10_000}  # steps, by `full`
SHORT, LATE = -0.3, 0.2  # hours before and after the next end
NAMED = "USHER_SEED"
STORIES = settings(
    max_examples=5,  # then the steps are counted
    stateful_step_count=40,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class Story(RuleBasedStateMachine):
    """Steps in a world of its own; `taken` counts what was compared, over all stories."""

    ground, taken = None, 0

    def __init__(self):
        super().__init__()
        self.standing = self.ground.world()
        self.world, app = self.standing.__enter__()
        self.race = racing.Race(app)

    def teardown(self):
        if sys.exc_info()[0] is None:
            self.world.look_for_the_impossible()
        self.standing.__exit__(None, None, None)

    def act(self, data):
        """Somebody does something; answers how many steps that was."""
        step = data.draw(choices.a_step(self.world.town))
        if step:
            self.world.take(step)
        return bool(step)

    @rule(
        letters=st.sampled_from([0, 1, 2, 100, 100]),
        refused=st.sampled_from([False, False, True]),
        hours=st.sampled_from([0.4, 0.7, 3.3, 30.9, 167.3, 760.1, 760.1, SHORT, LATE, LATE]),
        clock=st.booleans(),
    )
    def letters_leave_or_time_passes(self, letters, refused, hours, clock):
        if letters:
            self.world.hand_over(1 if refused else letters, refused)
            return
        if hours in (SHORT, LATE):
            hours += self.world.town.next_end()
        if hours > 0:
            self.world.wait(round(hours, 1))
        if clock:
            self.world.take(EXPIRE)
            self.world.take(CHARGE)
        for step in choices.too_late(self.world.town):
            self.world.take(step)


class Alone(Story):
    """One command after the other; a step is a command."""

    @rule(data=st.data(), often=st.integers(1, 4))
    def people_act(self, data, often):
        for _ in range(often):
            type(self).taken += self.act(data)

    more_people_act = people_act


class AtOnce(Story):
    """Two commands at the same time; a step is such a pair."""

    @rule(data=st.data())
    def somebody_acts(self, data):
        self.act(data)

    @rule(data=st.data())
    def two_act_at_once(self, data):
        if pair := data.draw(choices.a_pair(self.world.town)):
            self.world.take_at_once(self.race, pair)
            type(self).taken += 1

    @rule(data=st.data())
    def the_clock_comes_meanwhile(self, data):
        step = data.draw(choices.a_step(self.world.town))
        if step and step.command != choices.ALONE:
            self.world.take_at_once(self.race, [step, EXPIRE])
            type(self).taken += 1

    two_more_act_at_once = two_act_at_once


@pytest.fixture
def first_seed(full):
    """Chosen by chance at full size; else always the same."""
    chosen = os.environ.get(NAMED) or (random.SystemRandom().getrandbits(32) if full else 4)
    return int(chosen)


@pytest.fixture
def phases():
    """Where a seed was named, somebody wants to know the fewest steps that show it."""
    return [Phase.generate, Phase.shrink] if NAMED in os.environ else [Phase.generate]


def tell(stories, ground, steps, first_seed, **more):
    """Stories until so many steps were taken; answers how many it were."""
    stories.ground, stories.taken = ground, 0
    number = first_seed
    while stories.taken < steps:
        print(f"{NAMED}={number}, after {stories.taken} steps")
        run_state_machine_as_test(seed(number)(stories), settings=settings(STORIES, **more))
        number += 1
    return stories.taken


def test_whatever_people_do_usher_does_what_the_specification_says(
    ground, full, first_seed, phases, verdict
):
    verdict.about("S4", seed=first_seed)

    taken = tell(Alone, ground, ALONE[full], first_seed, phases=phases)

    verdict.holds(steps=taken, divergences=0)


def test_of_two_who_act_at_once_one_was_first(ground, full, first_seed, verdict):
    verdict.about("S4-at-once", seed=first_seed)

    taken = tell(AtOnce, ground, AT_ONCE[full], first_seed, phases=[Phase.generate])

    verdict.holds(steps=taken, divergences=0)
