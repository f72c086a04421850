"""`./usher` and `launch.py`: the way in, from a fresh clone to a running service."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import forks
import pytest

from web import cli
from workers import restored

ROOT = Path(__file__).parents[1]
COMMANDS = [*cli.usher.commands, restored.restored.name]  # of the code, for the script to know
TOOLS = "sh cat cmp cp dirname grep kill ln mkdir pwd readlink rm sleep tail tee"
# A Python that says its version, makes environments of itself, and notes what it was asked for.
PYTHON = """#!/bin/sh
case "$1 ${2:-}" in
    '-m venv') mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    '-m pip') echo pip >> "$NOTES"; exit "${PIP_ENDS:-0}" ;;
    '-c import ensurepip'*) exit VENV ;;
    *version_info*) exit VERSION ;;
    '-c ') ;;
    --version*) echo Python 3.9.2 ;;
    *) echo "started ${1##*/}" ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """A folder with Usher's script, a name with a space, and nothing but a Python on the PATH."""
    place = tmp_path / "a clone"
    shutil.copytree(ROOT / "requirements", place / "requirements")
    shutil.copy(ROOT / "usher", place)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in TOOLS.split():
        (tools / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    return place


def with_python(clone, *, version=0, venv=0):
    python = clone.parent / "bin" / "python3"
    python.write_text(PYTHON.replace("VERSION", str(version)).replace("VENV", str(venv)))
    python.chmod(0o755)


def usher(clone, *words, **environment):
    """Run the script from another folder."""
    notes = clone.parent / "notes"
    return subprocess.run(
        [clone / "usher", *words],
        cwd="/",
        env={"PATH": str(clone.parent / "bin"), "NOTES": str(notes), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def installs(clone):
    notes = clone.parent / "notes"
    return len(notes.read_text().split()) if notes.exists() else 0


@pytest.mark.parametrize("word", ["help", "-h", "--help"])
def test_help_names_every_command(clone, word):
    answer = usher(clone, word)

    assert answer.returncode == 0
    for command in ("up", "test", "lint", *COMMANDS):
        assert f"./usher {command} " in answer.stdout


def test_it_hands_on_every_command_of_the_code(clone):
    with_python(clone)

    handed_on = [name for name in COMMANDS if usher(clone, name).stdout == "started launch.py\n"]

    assert handed_on == COMMANDS


@pytest.mark.parametrize("words", [["fly"], ["up", "--full"]])
def test_what_it_does_not_know_is_said_and_installs_nothing(clone, words):
    with_python(clone)

    answer = usher(clone, *words)

    assert answer.returncode == 2
    assert words[-1] in answer.stderr.splitlines()[-1]
    assert "./usher up" in answer.stderr
    assert not installs(clone)


def test_an_old_python_is_refused_in_words(clone):
    with_python(clone, version=1)

    answer = usher(clone, "up")

    assert answer.returncode == 2
    assert "Usher needs Python 3.11 or newer (found: Python 3.9.2)." in answer.stderr
    assert not (clone / ".venv").exists()


def test_no_python_at_all_is_said(clone):
    answer = usher(clone, "up")

    assert answer.returncode == 2
    assert "found: none on the PATH" in answer.stderr


def test_a_missing_venv_names_the_line_to_type(clone):
    with_python(clone, venv=1)

    answer = usher(clone, "up")

    assert answer.returncode == 2
    assert "    apt-get install python3-venv\n" in answer.stderr
    assert not (clone / ".venv").exists()


def test_the_second_start_installs_nothing(clone):
    with_python(clone)
    assert usher(clone, "up").stdout == "started launch.py\n"

    answer = usher(clone, "up")

    assert answer.stdout == "started launch.py\n"
    assert answer.stderr == ""
    assert installs(clone) == 1


def test_other_requirements_are_installed_at_the_next_start(clone):
    with_python(clone)
    usher(clone, "up")
    with (clone / "requirements" / "app.txt").open("a") as file:
        file.write("another==1.0\n")

    usher(clone, "up")

    assert installs(clone) == 2


def test_the_tests_bring_what_the_service_needs(clone):
    with_python(clone)

    assert usher(clone, "test").stdout == "started run.py\n"
    assert usher(clone, "up").stdout == "started launch.py\n"

    assert installs(clone) == 1


def test_a_half_finished_install_is_done_again_from_the_start(clone):
    with_python(clone)
    failed = usher(clone, "up", PIP_ENDS="1")
    (clone / ".venv" / "half").touch()

    answer = usher(clone, "up")

    assert failed.returncode == 1
    assert "could not be installed" in failed.stderr
    assert answer.stdout == "started launch.py\n"
    assert not (clone / ".venv" / "half").exists()


def test_tests_half_installed_do_not_keep_the_service_from_starting(clone):
    with_python(clone)
    usher(clone, "up")
    usher(clone, "test", PIP_ENDS="1")

    assert usher(clone, "up").stdout == "started launch.py\n"

    assert installs(clone) == 2


def test_a_lock_of_somebody_killed_does_not_stop_the_next(clone):
    with_python(clone)
    gone = subprocess.Popen(["true"])
    gone.wait()
    (clone / ".venv.lock").symlink_to(str(gone.pid))

    assert usher(clone, "up").stdout == "started launch.py\n"


def test_it_can_be_called_through_a_link(clone):
    with_python(clone)
    link = clone.parent / "bin" / "usher"
    link.symlink_to("../a clone/usher")

    answer = subprocess.run(
        [link, "up"],
        env={"PATH": str(link.parent), "NOTES": "/dev/null"},
        capture_output=True,
        text=True,
    )

    assert answer.stdout == "started launch.py\n"


# --- launch.py ---


@pytest.fixture
def launch():
    """Starts launch.py; whatever still runs when the test is over is killed."""
    with ExitStack() as running:

        def start(home, *words, **environment):
            kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
            process = subprocess.Popen(
                [sys.executable, ROOT / "launch.py", *words],
                env={**kept, "USHER_HOME": str(home), **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield start


def refusal(launch, home, **environment):
    process = launch(home, **environment)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2, errors
    assert not home.exists()
    return errors


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def started(launch, home, port):
    process = launch(home, PORT=str(port))
    for _ in range(1200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=120).close()
            return process
        except OSError:
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
    raise AssertionError("It does not answer.")


def test_a_taken_port_is_named_with_the_way_out(launch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        errors = refusal(launch, tmp_path / "home", PORT=str(port))

    assert errors.startswith(f"usher: Port {port} is taken")
    assert "PORT=" in errors


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PORT": "http"}, "PORT is 'http'"),
        ({"PORT": "70000"}, "from 1 to 65535"),
        ({"HOST": "0.0.0.0"}, "mailbox"),
        ({"HOST": "127.0.0.1.example.com"}, "mailbox"),
        ({"HOST": "0.0.0.0", "SMTP_URL": "smtp://mail.example.com"}, "BASE_URL"),
        ({"BILLING": "barter"}, "BILLING is 'barter'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(tmp_path, environment, words):
    home, log = tmp_path / "home", tmp_path / "log.txt"

    code = forks.run(log=log, USHER_HOME=str(home), **({"PORT": str(free_port())} | environment))

    assert code == 2
    assert words in log.read_text()
    assert "Traceback" not in log.read_text()
    assert not home.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_starts_says_where_to_go_and_stops_cleanly(launch, tmp_path, number):
    port = free_port()
    process = started(launch, tmp_path, port)

    process.send_signal(number)
    words, errors = process.communicate(timeout=120)

    assert process.returncode == 0
    assert f"http://127.0.0.1:{port}/dev/mailbox" in words
    assert f"http://127.0.0.1:{port}/signup" in words
    assert errors == ""


def test_killed_and_started_again_it_has_the_same_key(launch, tmp_path):
    home = tmp_path / "home"
    port = free_port()
    first = started(launch, home, port)
    key = (home / "secret_key").read_text()
    first.kill()
    first.communicate()

    second = started(launch, home, port)
    second.terminate()
    second.communicate(timeout=120)

    assert second.returncode == 0
    assert (home / "secret_key").read_text() == key
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for kept in ("secret_key", "usher.db"):
        assert stat.S_IMODE((home / kept).stat().st_mode) == 0o600


def test_a_lost_key_is_never_replaced_behind_our_back(launch, tmp_path):
    (tmp_path / "usher.db").touch()

    process = launch(tmp_path, PORT=str(free_port()))
    _, errors = process.communicate(timeout=120)

    assert process.returncode == 2
    assert "secret_key is gone" in errors
