"""An organization to race in."""

import databases
import pytest
import racing

from workflows import roles


@pytest.fixture
def laps(request, settings):
    """How often to run the race: `--laps`. One person does all of it in a moment, which is rare."""
    databases.loosen(settings, "organizations", "invitations", "recipient", "reset_letters")
    return range(request.config.getoption("--laps"))


@pytest.fixture
def race(app):
    return racing.Race(app)


@pytest.fixture
def bob(cast, acme, ann):
    return cast.member(acme, "Bob", ann)


@pytest.fixture
def cy(cast, acme, ann):
    """A second admin, so that two can act at once."""
    cy = cast.member(acme, "Cy", ann)
    roles.make_admin(cy, by=ann)
    return cy.account
