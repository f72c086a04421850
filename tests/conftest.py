"""What tests stand on: a fresh database of real tables, and people to act in it."""

import shutil
from zlib import crc32

import databases
import pytest
import thrift
import verdicts
from people import Cast

from workflows import operators
from workflows.engine.app import bare_app
from workflows.engine.db import db


def pytest_addoption(parser):
    wish = "the database that tests of workflows run on; PostgreSQL is started by the tests"
    parser.addoption("--database", choices=databases.NAMES, default="sqlite", help=wish)
    parser.addoption("--laps", type=int, default=3, help="how often each race is run")
    sixth = "only tests with a database, of workflows a sixth, always the same: --all has the rest"
    parser.addoption("--sixth", action="store_true", help=sixth)
    size = "test promises at the full size that they name, and write down how that went"
    parser.addoption("--full", action="store_true", help=size)


def pytest_collection_modifyitems(config, items):
    """On PostgreSQL, leave out what is about SQLite's files; and most, where asked."""
    left = []
    if config.getoption("--database") == "postgresql":
        left = [item for item in items if item.get_closest_marker("sqlite")]
    if config.getoption("--sixth"):
        left += [item for item in items if not {"database", "postgresql"} & {*item.fixturenames}]
        workflows = [item for item in items if item.nodeid.startswith("tests/workflows/")]
        left += [item for item in workflows if crc32(item.nodeid.encode()) % 6]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session")
def full(request):
    """Whether to test at the full size that the promises name."""
    return request.config.getoption("--full")


@pytest.fixture
def verdict(request, full):
    """Keeps the figures of a promise; at full size they are written into `docs/verdicts/`."""
    kept = verdicts.Verdict(request.node, request.config.getoption("--database"))
    yield kept
    if full:
        kept.write()


@pytest.fixture(scope="session", autouse=True)
def thrifty():
    thrift.collect_seldom()
    with pytest.MonkeyPatch.context() as patch:
        thrift.compile_once(patch)
        thrift.hash_cheaply(patch)
        yield


@pytest.fixture(scope="session")
def blank(tmp_path_factory):
    """A database file with all tables and no rows, to be copied."""
    return databases.blank_file(tmp_path_factory.mktemp("blank"))


@pytest.fixture(scope="session")
def postgresql():
    """A real server; started for the first test that asks, gone after the last."""
    server = databases.PostgreSQL()
    yield server
    server.stop()


@pytest.fixture
def database(request, tmp_path):
    """The address of the database of this test."""
    if request.config.getoption("--database") == "sqlite":
        shutil.copy(request.getfixturevalue("blank"), tmp_path / "usher.db")
        yield f"sqlite:///{tmp_path}/usher.db"
    else:
        with request.getfixturevalue("postgresql").copy(tmp_path) as address:
            yield address


@pytest.fixture
def database_files(request, settings):
    """Asks for every file that the database writes, its log of changes among them."""
    if request.config.getoption("--database") == "sqlite":
        return lambda: settings.usher_home.glob("usher.db*")
    return request.getfixturevalue("postgresql").files


@pytest.fixture
def settings(tmp_path, database):
    return databases.settings_in(tmp_path, database)


@pytest.fixture
def app(settings):
    """Usher without pages, on a database of its own, with its context pushed."""
    app = bare_app(settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def cast(app):
    """People, organizations and letters, made by the commands that real people use."""
    return Cast()


@pytest.fixture
def ann(cast):
    """The owner of the organization in most tests."""
    return cast.account("Ann")


@pytest.fixture
def acme(cast, ann):
    """Her organization, with three seats."""
    return cast.organization(ann, seats=3)


@pytest.fixture
def marta(cast):
    """An operator."""
    return operators.make_operator(cast.account("Marta").email)
