"""What the house machine promises that StateChart, left alone, does not."""

import pytest
from sqlalchemy.orm import Mapped

from workflows.engine.db import Base, command, db
from workflows.engine.history import history
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import NotAllowed, NotNow


class LampMachine(Machine):
    off = State(initial=True)
    on = State(final=True)
    press = off.to(on, validators=["not_when_dark"])

    def not_when_dark(self):
        if self.model.dark:
            raise NotAllowed("The cellar is dark.")

    def on_press(self):
        kept = db.session.scalars(db.select(Lamp.state)).all()  # a query may flush
        self.model.seen = [self.model.state, *kept]
        if self.model.fused:
            raise RuntimeError("fused")


class Lamp(Stateful, Base):
    __tablename__ = "lamps"
    machine = LampMachine
    fused: Mapped[bool] = None
    dark: Mapped[bool] = None


@pytest.fixture
def lamp(app):
    Lamp.__table__.create(db.engine, checkfirst=True)
    return lamp_with(fused=False, dark=False)


@command
def lamp_with(**columns):
    return Lamp.begin(by=None, **columns)


@command
def press(lamp):
    return lamp.fire("press", by=None)


def test_an_action_that_raises_leaves_the_row_where_it_was(lamp):
    fused = lamp_with(fused=True, dark=False)

    with pytest.raises(RuntimeError):
        press(fused)

    assert fused.state == "off"
    assert [step.event for step in history(fused)] == ["begin"]


def test_the_row_has_a_state_at_every_moment_of_a_transition(lamp):
    press(lamp)

    assert lamp.seen == ["off", "off"]
    assert lamp.state == "on"


def test_an_event_that_the_state_does_not_expect_is_refused_in_words(lamp):
    press(lamp)

    with pytest.raises(NotNow, match=r"This lamp is on\."):
        press(lamp)


def test_a_misspelt_event_is_a_bug_and_no_refusal(lamp):
    with pytest.raises(AttributeError):
        lamp.fire("pres", by=None)


def test_a_rule_refuses_with_its_own_sentence_and_says_it_beforehand(lamp):
    cellar = lamp_with(fused=False, dark=True)

    assert cellar.why_not("press", by=None) == "The cellar is dark."
    with pytest.raises(NotAllowed, match=r"The cellar is dark\."):
        press(cellar)


def test_asking_why_not_moves_nothing(lamp):
    assert lamp.why_not("press", by=None) is None

    assert lamp.state == "off"
    assert not db.session.dirty
    assert len(history(lamp)) == 1


def test_a_state_that_the_machine_does_not_know_cannot_be_stored(lamp):
    with pytest.raises(Exception, match=r"(?i)check constraint"):
        db.session.execute(db.text("UPDATE lamps SET state = 'broken'"))


def test_every_arrow_of_the_chart_is_listed(app):
    assert LampMachine.arrows() == [("off", "press", "on")]
    assert LampMachine.sources("press") == ["off"]
