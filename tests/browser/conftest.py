"""A whole Usher of its own for each story, and a real browser."""

import json
import re
import shutil
import socket
import time
import urllib.error
import urllib.request

import forks
import pytest
from playwright.sync_api import expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 120_000  # milliseconds that a page may take, however slow this machine is
expect.set_options(timeout=PATIENCE)


class Usher:
    """One running service: its address, its mailbox, and the means to stop or kill it."""

    def __init__(self, home):
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home / "log.txt"
        self.start()

    def start(self):
        settings = {"PORT": str(self.port), "USHER_HOME": str(self.home / "var")}
        self.process = forks.begin(log=self.log, **settings)
        for _ in range(1800):
            try:
                return self.get("/healthz")
            except OSError:
                assert self.process.is_alive(), self.log.read_text()
                time.sleep(0.1)
        raise AssertionError(f"does not answer:\n{self.log.read_text()}")

    def kill(self):
        self.process.kill()
        self.process.join()

    def stop(self):
        self.process.terminate()
        self.process.join(60)
        return self.process.exitcode

    def get(self, path, **headers):
        """The answer to a request without any browser: status, headers, text."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def letters(self):
        """Every letter in the mailbox, newest first."""
        return json.loads(self.get("/dev/mailbox.json")[2])

    def letter(self, to, about):
        """The newest letter to this person whose subject says this; waits until it is there."""
        for _ in range(1800):  # after a kill a letter waits for the end of a lease
            for letter in self.letters():
                if to in letter["to"] and re.search(about, letter["subject"]):
                    return letter
            time.sleep(0.1)
        raise AssertionError(f"no letter to {to} about {about}: {self.letters()}")

    def link(self, to, about, path):
        """The link with this path in that letter."""
        text = self.letter(to, about)["text"]
        return re.search(rf"{self.url}/{path}\S*", text).group()


@pytest.fixture
def usher(tmp_path):
    service = Usher(tmp_path)
    yield service
    if service.process.is_alive():
        assert service.stop() == 0, service.log.read_text()
    assert "Traceback" not in service.log.read_text()


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, usher):
    """A new person's browser: visit(javascript=False) makes one without scripts."""
    contexts = []

    def new_person(javascript=True, **more):
        context = chromium.new_context(
            base_url=usher.url, java_script_enabled=javascript, **more
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: problems.append(said.text) if is_problem(said) else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        return page

    problems = []
    yield new_person
    for context in contexts:
        context.close()
    assert problems == [], "the browser complained"


def is_problem(said):
    """Errors of ours: not the browser's own line about an answer of 4xx, which tests ask for."""
    return said.type == "error" and "Failed to load resource" not in said.text
