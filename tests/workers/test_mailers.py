"""Letters as bytes, and the two ways out."""

import email
import email.policy
import logging
import re
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest

from workers import mailers
from workers.mailbox import Mailbox
from workers.mailers import Smtp
from workers.packing import Mail, pack
from workflows.engine.envelopes import Envelope
from workflows.engine.mail_servers import Server

TOKEN = "usht" + "A" * 44
AT = datetime(2026, 11, 24, 10, 4, tzinfo=UTC)


def envelope(number=1, to="bo@acme.test", **facts):
    known = {
        "inviter_name": "Ann", "inviter_email": "ann@acme.test", "organization": "Acme",
        "url": "https://usher.example/join/x", "expires_at": AT, "days": 14,
        "never_url": "https://usher.example/never/x", **facts,
    }  # fmt: skip
    return Envelope(to, "invitation", known, f"<letter-{number}.invitation@usher.example>", AT)


def mail(number=1, to="bo@acme.test", content=b"Subject: x\r\n\r\nx\r\n"):
    return Mail(to, f"<letter-{number}.x@usher.example>", content)


def read(content):
    return email.message_from_bytes(content, policy=email.policy.default)


def way_to(port, login="", scheme="smtp"):
    return Smtp(f"{scheme}://{login}127.0.0.1:{port}", "usher@acme.test", "usher.example")


def smtp(sink):
    return Smtp(sink.url, "Usher <usher@acme.test>", "usher.example")


# As bytes


def test_the_same_letter_is_the_same_bytes(usher):
    assert pack(envelope()).content == pack(envelope()).content


def test_a_letter_has_both_forms_and_the_heads_that_mail_servers_want(usher):
    letter = read(pack(envelope()).content)

    assert letter.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]
    assert letter["To"] == "bo@acme.test"
    assert letter["From"] == "usher@localhost"
    assert letter["Subject"] == 'Ann invites you to "Acme"'
    assert letter["Date"].datetime == AT
    assert letter["Message-ID"] == "<letter-1.invitation@usher.example>"
    assert letter["Auto-Submitted"] == "auto-generated"


def test_lines_are_short_and_ascii_as_old_mail_servers_want(usher):
    content = pack(envelope(organization="Ünïcode " * 20)).content

    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 78
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_styles_are_inlined_and_the_dark_ones_kept(usher):
    html = read(pack(envelope()).content).get_body(("html",)).get_content()

    assert 'class="paper" align="left" style=' in html.replace("\n", " ")
    assert "prefers-color-scheme: dark" in html


def test_an_address_with_a_foreign_domain_is_written_for_mail_servers(usher):
    packed = pack(envelope(to="Bo@bücher.example"))

    assert packed.to == "Bo@xn--bcher-kva.example"
    assert read(packed.content)["To"] == "Bo@xn--bcher-kva.example"


HOSTILE = [
    "Acme\r\nBcc: eve@evil.test\r\n\r\nbody",
    "Acme\nSubject: other",
    "a\x85b\x1cc\x00d\u2028e\u2029f\u202eg\ud800h",
    '"; <script>alert(1)</script> "',
    "<a href='https://evil.test'>x</a><img src=https://evil.test>",
    "\n-- \n    https://evil.test",
    "{{ 7 * 7 }}{% raw %}",
    "=?utf-8?q?evil?=",
    "x" * 10_000,
    "“”‘’ \t Ünïcode 漢字 🙂",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_can_change_a_letter(usher, name):
    plain = read(pack(envelope()).content)

    letter = read(pack(envelope(organization=name, inviter_name=name)).content)

    assert letter.keys() == plain.keys()
    assert letter.get_all("To") == ["bo@acme.test"]
    assert letter.get_all("Subject")[0].startswith(letter["Subject"][:4])
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]", letter["Subject"])
    html = letter.get_body(("html",)).get_content()
    assert html.count("<a ") == 2  # the button, and the way out of all such letters
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="https://evil' not in html
    assert not re.search(r"^    https://evil", letter.get_body(("plain",)).get_content(), re.M)
    assert "49" not in letter["Subject"]


def test_a_hostile_address_is_refused(usher):
    for to in ("a@b.test\r\nBcc: eve@evil.test", "a@b.test, eve@evil.test", "<a@b.test>", ""):
        with pytest.raises(Exception, match="address"):
            pack(envelope(to=to))


# The mailbox


def test_a_letter_in_the_mailbox_is_one_private_file(tmp_path):
    folder = tmp_path / "mail"
    with Mailbox(folder) as box:
        assert box.send(mail()).outcome == "sent"

    [file] = folder.iterdir()
    assert file.name == "letter-1.x@usher.example.eml"
    assert file.read_bytes() == mail().content
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_the_same_bytes_again_change_nothing(tmp_path):
    box = Mailbox(tmp_path)
    box.send(mail())
    before = [(file, file.stat().st_mtime_ns) for file in tmp_path.iterdir()]

    assert box.send(mail()).outcome == "sent"

    assert [(file, file.stat().st_mtime_ns) for file in tmp_path.iterdir()] == before


def test_other_bytes_are_kept_beside_the_first(tmp_path, caplog):
    box = Mailbox(tmp_path)
    for content in (b"one", b"two", b"two", b"one"):
        box.send(mail(content=content))

    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["letter-1.x@usher.example.2.eml", "letter-1.x@usher.example.eml"]
    assert "came before with other words" in caplog.text


def test_a_message_id_cannot_leave_the_folder(tmp_path):
    Mailbox(tmp_path / "mail").send(Mail("a@b.test", "<../../evil/x@y>", b"x"))

    assert [file.name for file in tmp_path.rglob("*.eml")] == [".._.._evil_x@y.eml"]


def test_a_mailbox_that_cannot_be_written_asks_to_come_later(tmp_path):
    (tmp_path / "mail").write_text("a file where the folder should be")

    answer = Mailbox(tmp_path / "mail").send(mail())

    assert answer.outcome == "later"


# A mail server


def test_a_letter_arrives_byte_for_byte_with_one_recipient(usher, sink):
    packed = pack(envelope())

    with smtp(sink) as way:
        answer = way.send(packed)

    assert (answer.outcome, answer.reply) == ("sent", "250 2.0.0 queued")
    assert sink.mails == [packed.content]
    assert sink.recipients == [["bo@acme.test"]]


def test_a_batch_shares_a_connection_and_each_letter_has_one_recipient(sink):
    with smtp(sink) as way:
        answers = [way.send(mail(n, f"p{n}@acme.test")).outcome for n in range(5)]

    assert answers == ["sent"] * 5
    assert sink.connections == 1
    assert sink.recipients == [[f"p{n}@acme.test"] for n in range(5)]


@pytest.mark.parametrize("verb", ["RCPT", "DATA"])
@pytest.mark.parametrize(
    ("answer", "outcome"), [("550 No such mailbox", "bounced"), ("451 Busy", "later")]
)
def test_a_no_concerns_this_letter_only(sink, verb, answer, outcome):
    sink.say(verb, answer, to="bad@acme.test")
    with smtp(sink) as way:
        outcomes = [way.send(mail(to=to)) for to in ("a@acme.test", "bad@acme.test", "b@acme.test")]

    assert [answer.outcome for answer in outcomes] == ["sent", outcome, "sent"]
    assert outcomes[1].reply.startswith(answer)
    assert sink.connections == 1


def test_our_own_address_refused_bounces_nothing(sink):
    sink.say("MAIL", "550 You may not send as this")

    with smtp(sink) as way:
        assert way.send(mail()).outcome == "later"


def test_a_server_that_hangs_up_in_between_gets_a_new_connection(sink):
    with smtp(sink) as way:
        first = way.send(mail(to="a@acme.test"))
        way._line.sock.shutdown(socket.SHUT_RDWR)
        second = way.send(mail(to="b@acme.test"))

    assert (first.outcome, second.outcome, sink.connections) == ("sent", "sent", 2)


def test_a_hanging_server_is_left_in_time(sink, monkeypatch):
    monkeypatch.setattr(mailers, "ANSWER_SECONDS", 0.3)
    sink.hang = "RCPT"
    begun = time.monotonic()

    with smtp(sink) as way:
        answer = way.send(mail())

    assert answer.outcome == "later"
    assert time.monotonic() - begun < 20


def test_nobody_at_the_port_is_asked_once_for_a_batch(sink):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with way_to(port) as way:
        answers = [way.send(mail(n)) for n in range(3)]

    assert {answer.outcome for answer in answers} == {"later"}
    assert answers[0].reply == "No connection: Connection refused"


@contextmanager
def server(talk):
    """A server of a few lines, for what a real one never does; answers its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)

        def serve():
            with listener.accept()[0] as line:
                line.settimeout(60)
                with suppress(OSError):
                    talk(line)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(60)


def dripping(words=b"220 hello" + b"." * 300):
    """What talks for half a minute unless it is cut off, and the word that it was not."""
    whole = threading.Event()

    def drip(line):
        for byte in words:
            line.sendall(bytes([byte]))
            time.sleep(0.1)
        whole.set()

    return drip, whole


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_one_byte_at_a_time_is_cut_at_the_deadline(monkeypatch, scheme):
    monkeypatch.setattr(mailers, "LETTER_SECONDS", 0.6)
    drip, whole = dripping()

    with server(drip) as port, way_to(port, scheme=scheme) as way:
        answer = way.send(mail())

    assert answer.outcome == "later"
    assert not whole.is_set()


def converse(*answers):
    def talk(line):
        lines = line.makefile("rb")
        line.sendall(b"220 hello\r\n")
        for answer in answers:
            lines.readline()
            line.sendall(answer + b"\r\n")
        lines.readline()

    return talk


def test_without_the_offer_of_tls_nothing_is_sent(monkeypatch):
    monkeypatch.setattr(Server, "at", away_from_home(Server.at))

    with server(converse(b"250 hello")) as port, way_to(port, "u:secret@") as way:
        answer = way.send(mail())

    assert answer.outcome == "later"
    assert answer.reply == "No connection: STARTTLS extension not supported by server."


def away_from_home(at):
    """SMTP_URL read as if this machine were somewhere else."""

    def read(url):
        found = at(url)
        return Server(found.host, found.port, found.login, "starttls")

    return read


def test_a_certificate_nobody_signed_is_not_trusted(tmp_path, certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    def talk(line):
        context.wrap_socket(line, server_side=True)

    with server(talk) as port, way_to(port, scheme="smtps") as way:
        answer = way.send(mail())

    assert answer.outcome == "later"
    assert answer.reply.startswith("No trusted connection: self-signed certificate")


@pytest.fixture
def certificate(tmp_path):
    key, signed = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", signed],
        check=True, capture_output=True,
    )  # fmt: skip
    return signed, key


def test_with_a_signed_certificate_letters_leave_encrypted(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    got = []

    def talk(line):
        with context.wrap_socket(line, server_side=True) as inner:
            lines = inner.makefile("rb")
            inner.sendall(b"220 hello\r\n")
            for answer in (b"250 x", b"250 x", b"250 x", b"354 go"):
                got.append(lines.readline())
                inner.sendall(answer + b"\r\n")
            while got[-1] != b".\r\n":
                got.append(lines.readline())
            inner.sendall(b"250 taken\r\n")
            lines.readline()

    with server(talk) as port, way_to(port, scheme="smtps") as way:
        assert way.send(mail()).reply == "250 taken"

    assert b"rcpt TO:<bo@acme.test>\r\n" in got


def test_a_refused_login_waits_and_repeats_no_password():
    refusal = b"535 5.7.8 wrong: hunter2 aHVudGVyMg=="
    talk = converse(b"250-hello\r\n250 AUTH LOGIN PLAIN", refusal, refusal, refusal)

    with server(talk) as port, way_to(port, "u:hunter2@") as way:
        answer = way.send(mail())

    assert answer.outcome == "later"
    assert answer.reply == "535 The login in SMTP_URL is refused."


def test_a_reply_that_repeats_a_secret_is_kept_without_it(sink, caplog):
    caplog.set_level(logging.DEBUG)
    sink.say("DATA", f"550 Bad words: {TOKEN} https://usher.example/join/abc.def")

    with smtp(sink) as way:
        answer = way.send(mail())

    assert answer.reply == "550 Bad words: … https://usher.example/join/… (at DATA)"
    assert not [r for r in caplog.records if r.name.startswith("usher") and TOKEN in str(r)]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.test", Server("mail.test", 587, None, "starttls")),
        ("smtp://u%40:p%2F@mail.test:25", Server("mail.test", 25, ("u@", "p/"), "starttls")),
        ("smtp://mail.test?tls=off", Server("mail.test", 587, None, "off")),
        ("smtps://mail.test", Server("mail.test", 465, None, "always")),
        ("smtps://127.0.0.1", Server("127.0.0.1", 465, None, "always")),
        ("smtp://localhost", Server("localhost", 25, None, "off")),
        ("smtp://127.0.0.9", Server("127.0.0.9", 25, None, "off")),
        ("smtp://127.mail.test", Server("127.mail.test", 587, None, "starttls")),
    ],
)
def test_the_address_of_a_mail_server(url, expected):
    assert Server.at(url) == expected


@pytest.mark.parametrize(
    "url", ["", "http://x", "smtp://", "smtp://u:pa/ss@x", "smtp://x:99999", "smtp://x?tls=no"]
)
def test_what_is_no_address_of_a_mail_server_is_said_without_the_password(url):
    with pytest.raises(ValueError, match=r"^SMTP_URL must look like"):
        Server.at(url)
