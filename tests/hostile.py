"""A mail server in a few lines, which breaks its word wherever it is told to.

It speaks SMTP with STARTTLS. What came before the encryption is kept, to be searched for secrets.
Letters to one address can be spared its trouble, so that somebody hears of it.
"""

import re
import socket
import ssl
import struct
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass

HERE = "0x7f.0.0.1"  # this machine, in a spelling that does not count as near
DRIP = 0.05  # seconds between two bytes
ABORT = struct.pack("ii", 1, 0)  # closing then resets the connection


@dataclass(frozen=True)
class Trouble:
    """What the server does wrong: at which verb, or with which certificate."""

    at: str
    deed: str = ""

    def __str__(self):
        return f"{self.deed} at {self.at}" if self.deed else self.at


class MailServer:
    def __init__(self, certificates, spared):
        self.contexts = {name: _context(pair) for name, pair in certificates.items()}
        self.trouble, self.spared = None, spared.encode()
        self.mails, self.clear = [], bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://{HERE}:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    @contextmanager
    def troubled(self, trouble):
        self.trouble = trouble
        yield
        self.trouble = None

    def _accept(self):
        with suppress(OSError):  # it is closed
            while True:
                line, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line):
        line.settimeout(10)
        with suppress(OSError, _Over):
            _Conversation(self, line).run()
        line.close()


def _context(pair):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*pair)
    return context


class _Over(Exception):
    """The server has ended the conversation."""


class _Conversation:
    def __init__(self, server, line):
        self.server, self.line, self.encrypted, self.spared = server, line, False, False
        self.lines = line.makefile("rb")

    def run(self):
        self._say("banner", b"220 hello")
        while words := self._read():
            verb = re.match(rb"\w*", words)[0].upper().decode()
            if verb == "DATA":
                if self._say(verb, b"354 go on"):
                    self._take_letter()
            elif verb == "STARTTLS":
                if self._say(verb, b"220 go on"):
                    self._encrypt()
            else:
                self.spared = verb == "RCPT" and self.server.spared in words
                self._say(verb, self._greeting() if verb == "EHLO" else b"250 fine")

    def _read(self):
        words = self.lines.readline()
        if not self.encrypted:
            self.server.clear += words
        return words

    def _greeting(self):
        trouble = self.server.trouble
        stripped = self.encrypted or (trouble and trouble.at == "STARTTLS stripped")
        return b"250 hello" if stripped else b"250-hello\r\n250 STARTTLS"

    def _encrypt(self):
        trouble = self.server.trouble
        named = trouble.at if trouble and trouble.at in self.server.contexts else "good"
        self.line = self.server.contexts[named].wrap_socket(self.line, server_side=True)
        self.lines, self.encrypted = self.line.makefile("rb"), True

    def _take_letter(self):
        content = b""
        while (read := self._read()) != b".\r\n":
            if not read:
                raise _Over
            content += read[1:] if read.startswith(b".") else read
        trouble = None if self.spared else self.server.trouble
        refused = trouble and trouble.at == "letter" and trouble.deed[0].isdigit()
        if not refused:  # even where the answer never comes
            self.server.mails.append(content)
        self._say("letter", b"250 taken", about=content)

    def _say(self, moment, answer, about=b""):
        """Answer, or do what is wrong at this moment; True if the conversation goes on as meant."""
        trouble = self.server.trouble
        if trouble is None or trouble.at != moment or self.spared:
            self.line.sendall(answer + b"\r\n")
            return True
        if trouble.deed == "reset":
            self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        elif trouble.deed == "silence":
            while self.line.recv(1024):  # until the other side has had enough
                pass
        elif trouble.deed == "one byte at a time":
            while True:
                self.line.sendall(b"2")
                time.sleep(DRIP)
        else:
            code, _, words = trouble.deed.partition(" ")
            said = b" ".join(about.split())[:6000] if words else b"no"
            self.line.sendall(code.encode() + b" " + said + b"\r\n")
            return False
        raise _Over


def certificates(folder):
    """Certificates by what is wrong with them, and a file that names those to be trusted."""
    kinds = {
        "good": _signed(folder, "good", HERE, 1),
        "expired certificate": _signed(folder, "expired", HERE, -1),
        "certificate of another host": _signed(folder, "other", "mail.example", 1),
        "certificate nobody signed": _signed(folder, "unknown", HERE, 1),
    }
    known = [pair[0].read_text() for kind, pair in kinds.items() if "nobody" not in kind]
    (folder / "trusted.pem").write_text("".join(known))
    return kinds, folder / "trusted.pem"


def _signed(folder, name, host, days):
    key, wish, signed = (folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
    wishes = folder / f"{name}.txt"
    wishes.write_text(f"basicConstraints=critical,CA:TRUE\nsubjectAltName=DNS:{host}\n")
    new = f"req -new -newkey rsa:2048 -nodes -subj /CN={name} -keyout {key} -out {wish}"
    sign = f"x509 -req -in {wish} -signkey {key} -days {days} -extfile {wishes} -out {signed}"
    for words in (new, sign):
        subprocess.run(["openssl", *words.split()], check=True, capture_output=True)
    return signed, key
