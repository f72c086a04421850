"""The town that all tests of this folder attack."""

import shutil

import databases
import pytest
from security.town import Town

from workflows.engine.db import db


@pytest.fixture(scope="session")
def built(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    if request.config.getoption("--database") == "sqlite":
        shutil.copy(request.getfixturevalue("blank"), folder / "usher.db")
        yield Town(folder, f"sqlite:///{folder}/usher.db")
    else:
        with request.getfixturevalue("postgresql").copy(folder) as address:
            town = Town(folder, databases.settings_in(folder, address).database_url)
            yield town
            with town.app.app_context():
                db.engine.dispose()


@pytest.fixture
def town(built):
    """The town as it was in the beginning."""
    built.reset()
    return built
