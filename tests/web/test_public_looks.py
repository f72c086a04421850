"""What the doctor finds out about a proxy by asking through it: can a client choose its address."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from web import create_app, health, public_looks

HERE = "127.0.0.1"


class Proxy:
    """A proxy and a WSGI server behind it that, as granian does, takes underscores for hyphens."""

    def __init__(self):
        self.drops, self.adds, self.refuses = "", "X-Forwarded-For", False
        self.app = None
        proxy = self

        class Asked(BaseHTTPRequestHandler):
            def do_GET(self):
                names = [name for name in self.headers if name not in proxy.drops.split()]
                if proxy.refuses and any("_" in name for name in names):
                    return self.send_error(400)
                heard = {name: self.headers[name] for name in names}
                if proxy.adds:
                    known = heard.get(proxy.adds)
                    heard[proxy.adds] = f"{known}, {HERE}" if known else HERE
                folded = {f"HTTP_{n.upper().replace('-', '_')}": v for n, v in heard.items()}
                told = proxy.app.test_client().get(self.path, environ_overrides=folded)
                self.send_response(told.status_code)
                self.end_headers()
                self.wfile.write(told.data)

            def log_message(self, *_):
                """Into no log."""

        self.server = ThreadingHTTPServer((HERE, 0), Asked)
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def proxy():
    proxy = Proxy()
    yield proxy
    proxy.server.shutdown()
    proxy.server.server_close()


@pytest.fixture
def looked(settings, app, proxy):
    """What is found out, by name, with these settings."""

    def looked(**changes):
        url = f"http://{HERE}:{proxy.server.server_port}"
        mine = settings.model_copy(update={"base_url": url, **changes})
        proxy.app = create_app(mine)
        deployed = mine.model_copy(update={"embedded": False})
        with proxy.app.app_context():
            return {found.what: found for found in public_looks.look(deployed)}

    return looked


ALL = "X_Forwarded_For X-Forwarded_For X_Forwarded-For"


@pytest.mark.parametrize("drops", ["", *(ALL.replace(name, "") for name in ALL.split())])
def test_a_proxy_that_passes_on_one_spelling_with_underscores_is_found_out(looked, proxy, drops):
    proxy.drops = drops

    found = looked(trusted_proxies=1)

    assert found["BASE_URL"].help == ""
    assert found["CLIENT_HEADER"].ill
    assert "underscores" in found["CLIENT_HEADER"].help


@pytest.mark.parametrize(("drops", "refuses"), [(ALL, False), ("", True)])
def test_a_proxy_that_drops_or_refuses_them_is_well(looked, proxy, drops, refuses):
    proxy.drops, proxy.refuses = drops, refuses

    found = looked(trusted_proxies=1)

    assert found["CLIENT_HEADER"].help == ""


def test_a_header_of_one_word_is_well_though_the_proxy_passes_on_everything(looked, proxy):
    proxy.adds = "Forwarded"

    found = looked(trusted_proxies=1, client_header="Forwarded")

    assert found["CLIENT_HEADER"].help == ""


@pytest.mark.parametrize(("adds", "count"), [("", 1), ("X-Forwarded-For", 2)])
def test_more_proxies_than_there_are_let_a_client_choose(looked, proxy, adds, count):
    proxy.adds = adds

    found = looked(trusted_proxies=count)

    assert found["TRUSTED_PROXIES"].ill
    assert "chooses its address" in found["TRUSTED_PROXIES"].help


def test_somebody_elses_usher_tells_nothing(looked, proxy, settings, monkeypatch):
    monkeypatch.setattr(health, "doctors_note", lambda: "W10.forged")

    found = looked(trusted_proxies=1)

    assert found["CLIENT_HEADER"].advice
    assert "another SECRET_KEY" in found["CLIENT_HEADER"].help


def test_only_the_doctor_is_told_an_address(app, client, settings):
    note = health.doctors_note()

    assert client.get("/healthz").json == {"alive": True}
    assert client.get("/healthz", headers={health.DOCTOR: "x"}).json == {"alive": True}
    told = client.get("/healthz", headers={health.DOCTOR: note}).json
    assert told == {"alive": True, "client": HERE}


def test_an_old_note_of_the_doctor_is_not_believed(client, monkeypatch):
    note = health.doctors_note()
    soon = health.time.time() + 61
    monkeypatch.setattr(health.time, "time", lambda: soon)

    assert client.get("/healthz", headers={health.DOCTOR: note}).json == {"alive": True}
