"""Real clients against a real server: what the letter tells people to type works."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest

WHEEL = "hello_usher-1.0-py3-none-any.whl"
PACKAGE = "hello-usher-1.0-0.tar.bz2"

pip_here = pytest.mark.skipif(
    importlib.util.find_spec("pip") is None, reason="pip is not in this environment"
)
rattler_here = pytest.mark.skipif(
    importlib.util.find_spec("rattler") is None, reason="py-rattler is not in this environment"
)
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
uv_here = pytest.mark.skipif(UV is None, reason="uv is not on this machine")


def run(home, *command, **environment):
    """Run a client that knows no settings but these."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(home), "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        command,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def with_user(address, user, password=""):
    return address.replace("://", f"://{user}:{password}@")


def pip(tmp_path, index, *more, **environment):
    return run(
        tmp_path,
        *(sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "download"),
        *("--no-deps", "--no-cache-dir", "--retries", "0", "--index-url", index),
        *("--dest", str(tmp_path), "hello-usher", *more),
        **environment,
    )


@pip_here
@pytest.mark.parametrize("carrier", ["path", "user", "password", "netrc"])
def test_pip_downloads_the_wheel(office, tmp_path, carrier):
    with office.serving() as address:
        index = {
            "path": f"{address}/t/{office.secret}/repo/simple/",
            "user": with_user(address, office.secret) + "/repo/simple/",
            "password": with_user(address, "__token__", office.secret) + "/repo/simple",
            "netrc": f"{address}/repo/simple/",
        }[carrier]
        netrc = tmp_path / "netrc"
        netrc.write_text(f"machine 127.0.0.1 login __token__ password {office.secret}\n")
        known = {"NETRC": str(netrc)} if carrier == "netrc" else {}
        done = pip(tmp_path, index, **known)

    assert done.returncode == 0, done.stderr
    got = (tmp_path / WHEEL).read_bytes()
    served = tmp_path / "repo" / "simple" / "hello-usher" / WHEEL
    assert got == served.read_bytes()
    assert office.first_download() is not None


@pip_here
def test_pip_installs_the_wheel_and_it_says_hello(office, tmp_path):
    with office.serving() as address:
        done = run(
            tmp_path,
            *(sys.executable, "-m", "pip", "install", "--no-cache-dir", "--target"),
            *(str(tmp_path / "site"), "--index-url"),
            *(f"{address}/t/{office.secret}/repo/simple/", "hello-usher"),
        )

    assert done.returncode == 0, done.stderr
    said = run(tmp_path, sys.executable, "-c", "import hello_usher; hello_usher.main()",
               PYTHONPATH=str(tmp_path / "site"))  # fmt: skip
    assert said.stdout == "Hello! Your token works.\n"


@pip_here
def test_pip_with_a_dead_token_fails_at_once_and_does_not_prompt(office, tmp_path):
    office.revoke_seat()

    with office.serving() as address:
        done = pip(tmp_path, f"{address}/t/{office.secret}/repo/simple/", "-vv")

    assert done.returncode != 0
    assert "403 Client Error" in done.stdout + done.stderr
    assert "User for" not in done.stdout + done.stderr


@uv_here
@pytest.mark.parametrize("carrier", ["path", "user", "password"])
def test_uv_installs_the_wheel(office, tmp_path, carrier):
    with office.serving() as address:
        index = {
            "path": f"{address}/t/{office.secret}/repo/simple/",
            "user": with_user(address, office.secret) + "/repo/simple/",
            "password": with_user(address, "__token__", office.secret) + "/repo/simple/",
        }[carrier]
        done = run(
            tmp_path,
            *(UV, "--no-config", "pip", "install", "--no-cache", "--python", sys.executable),
            *("--target", str(tmp_path / "site"), "--index-url", index, "hello-usher"),
        )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "hello_usher.py").exists()
    assert office.first_download() is not None


SOLVE_AND_INSTALL = """
import asyncio, json, os, sys
from rattler import Channel, Client, Gateway, VirtualPackage, install, solve
from rattler.networking import MirrorMiddleware, AuthenticationMiddleware
channel, prefix, cache = sys.argv[1:4]
async def main():
    client = Client([AuthenticationMiddleware()])
    gateway = Gateway(client=client, cache_dir=cache)
    records = await solve([Channel(channel)], ["hello-usher"], platforms=["linux-64", "noarch"],
                          gateway=gateway)
    await install(records, prefix, cache_dir=cache + "/pkgs", client=client,
                  show_progress=False)
    print([str(record.name.normalized) for record in records], flush=True)
asyncio.run(main())
os._exit(0)  # its threads, still at work, sometimes crash an interpreter that tidies up
"""


def rattler(tmp_path, address, login):
    login_file = tmp_path / "logins.json"
    login_file.write_text(json.dumps(login))
    return run(
        tmp_path,
        *(sys.executable, "-c", SOLVE_AND_INSTALL, address),
        *(str(tmp_path / "prefix"), str(tmp_path / "cache")),
        RATTLER_AUTH_FILE=str(login_file),
    )


@rattler_here
@pytest.mark.parametrize("carrier", ["path", "login path", "bearer", "basic"])
def test_rattler_solves_and_installs_the_conda_package(office, tmp_path, carrier):
    login = {
        "path": {},
        "login path": {"CondaToken": office.secret},
        "bearer": {"BearerToken": office.secret},
        "basic": {"BasicHTTP": {"username": "__token__", "password": office.secret}},
    }[carrier]

    with office.serving() as address:
        channel = f"{address}/t/{office.secret}/repo/main" if carrier == "path" else None
        done = rattler(
            tmp_path, channel or f"{address}/repo/main", {"127.0.0.1": login} if login else {}
        )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "['hello-usher']\n"
    said = run(tmp_path, str(tmp_path / "prefix" / "bin" / "hello-usher"))
    assert said.stdout == "Hello! Your token works.\n"
    assert office.first_download() is not None


@rattler_here
def test_rattler_with_a_dead_token_installs_nothing(office, tmp_path):
    office.revoke_seat()

    with office.serving() as address:
        done = rattler(tmp_path, f"{address}/t/{office.secret}/repo/main", {})

    assert done.returncode != 0
    assert "401" in done.stderr
    assert not (tmp_path / "prefix").exists()


def ask(address, method="GET", **headers):
    request = urllib.request.Request(address, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as refused:
        return refused.code, refused.headers, refused.read()


def test_the_requests_of_conda_token_set_and_conda_install_are_answered(office):
    """conda itself is not to be had here: these are its requests, replayed."""
    with office.serving() as address:
        repo = f"{address}/t/{office.secret}/repo"
        for channel in ("main", "r", "msys2"):
            status, _, body = ask(f"{repo}/{channel}/noarch/repodata.json", "HEAD")
            assert (status, body) == (200, b"")
            for subdir in ("noarch", "linux-64", "osx-arm64", "win-64"):
                assert ask(f"{repo}/{channel}/{subdir}/repodata.json")[0] == 200
                for absent in ("repodata.json.zst", "repodata_shards.msgpack.zst"):
                    assert ask(f"{repo}/{channel}/{subdir}/{absent}")[0] == 404
        _, _, repodata = ask(f"{repo}/main/noarch/repodata.json")
        record = json.loads(repodata)["packages"][PACKAGE]
        _, _, package = ask(f"{repo}/main/noarch/{PACKAGE}")
        assert hashlib.sha256(package).hexdigest() == record["sha256"]

        office.revoke_seat()
        status, headers, _ = ask(f"{repo}/main/noarch/repodata.json", "HEAD")
        assert (status, headers["X-Usher-Reason"]) == (401, "seat_revoked")
