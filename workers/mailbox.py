"""The recipients' side of the embedded mode: a folder with a file for each letter.

It stands for people's own mailboxes, so it holds what their letters hold, links and tokens too;
only the owner of the folder can read it.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from pathlib import Path

from workers.packing import Answer, Mail

log = logging.getLogger("usher.post")


class Mailbox:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send(self, mail: Mail) -> Answer:
        """Put it into the folder, once: the same bytes again change nothing."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            self._keep(mail)
        except OSError as error:
            return Answer("later", f"The mailbox cannot be written: {error.strerror}")
        return Answer("sent", "Put into the mailbox.")

    def _keep(self, mail: Mail) -> None:
        stem = re.sub(r"[^A-Za-z0-9.@_-]", "_", mail.message_id.strip("<>"))
        place, number = self.folder / f"{stem}.eml", 1
        while place.exists():
            if place.read_bytes() == mail.content:
                return
            number += 1
            place = self.folder / f"{stem}.{number}.eml"
        if number > 1:
            log.warning("%s came before with other words; both are kept", mail.message_id)
        self._put(place, mail.content)

    def _put(self, place: Path, content: bytes) -> None:
        """Whole or not at all: a reader never sees half a letter."""
        file, name = tempfile.mkstemp(dir=self.folder, suffix=".new")  # mode 0600
        with os.fdopen(file, "wb") as new:
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
        os.replace(name, place)
