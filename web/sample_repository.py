"""A small repository to try a token with: three channels, one conda package, one wheel.

What would surprise a reader: the same bytes every time, so that two processes that make it at once
do each other no harm, and a later start changes nothing. What is there already is left alone.
"""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import os
import tarfile
import tempfile
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

CHANNELS = ("main", "r", "msys2")  # those that `conda token set` makes the default
SUBDIRS = ("noarch", "linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")
VERSION = "1.0"
SUMMARY = "A greeting that shows that your token works."
GREETING = "Hello! Your token works."
BORN = 1_767_225_600  # 2026-01-01, the moment of every file in the packages
CONDA_PACKAGE = f"hello-usher-{VERSION}-0.tar.bz2"  # .conda would need a zstd of its own
WHEEL = f"hello_usher-{VERSION}-py3-none-any.whl"
INDEX: dict[str, object] = {
    "arch": None,
    "build": "0",
    "build_number": 0,
    "depends": [],
    "name": "hello-usher",
    "noarch": "generic",  # a Python package would ask for a Python, which is not here
    "platform": None,
    "subdir": "noarch",
    "timestamp": BORN * 1000,
    "version": VERSION,
}


def make_sample(folder: Path) -> None:
    """Put what is missing of the sample into the folder, making it if need be."""
    package = _conda_package()
    for channel in CHANNELS:
        for subdir in SUBDIRS:
            ours = {CONDA_PACKAGE: package} if (channel, subdir) == ("main", "noarch") else {}
            _add(folder / channel / subdir / "repodata.json", _repodata(subdir, ours))
    _add(folder / "main" / "noarch" / CONDA_PACKAGE, package)
    _add(folder / "simple" / "hello-usher" / WHEEL, _wheel())


def _add(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, unless there is one."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as half:
        half.write(content)
    os.replace(half.name, path)


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode() + b"\n"


def _repodata(subdir: str, packages: dict[str, bytes]) -> bytes:
    records = {
        name: INDEX
        | {
            "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
        }
        for name, content in packages.items()
    }
    repodata = {"packages": records, "packages.conda": {}, "removed": [], "repodata_version": 1}
    return _json({"info": {"subdir": subdir}} | repodata)


def _conda_package() -> bytes:
    """A noarch package of conda's first format: a tar of files and of what is said of them."""
    files = {"bin/hello-usher": f"#!/bin/sh\necho '{GREETING}'\n".encode()}
    about = {
        "info/about.json": _json({"summary": SUMMARY}),
        "info/files": "".join(f"{path}\n" for path in files).encode(),
        "info/index.json": _json(INDEX),
        "info/paths.json": _json({"paths": _paths(files), "paths_version": 1}),
    }
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, content in (about | files).items():
            member = tarfile.TarInfo(path)
            member.size, member.mtime = len(content), BORN
            member.mode = 0o755 if path.startswith("bin/") else 0o644
            tar.addfile(member, io.BytesIO(content))
    return bz2.compress(tarred.getvalue())


def _paths(files: dict[str, bytes]) -> list[dict[str, object]]:
    return [
        {
            "_path": path,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_in_bytes": len(content),
        }
        for path, content in files.items()
    ]


def _wheel() -> bytes:
    about = f"hello_usher-{VERSION}.dist-info"
    files = {
        "hello_usher.py": f'"""{SUMMARY}"""\n\n\ndef main() -> None:\n    print("{GREETING}")\n',
        f"{about}/METADATA": (
            f"Metadata-Version: 2.1\nName: hello-usher\nVersion: {VERSION}\nSummary: {SUMMARY}\n"
        ),
        f"{about}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: usher\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        f"{about}/entry_points.txt": "[console_scripts]\nhello-usher = hello_usher:main\n",
    }
    files[f"{about}/RECORD"] = _record(files) + f"{about}/RECORD,,\n"
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_STORED) as wheel:  # the same under every zlib
        for path, text in files.items():
            member = zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0))
            member.create_system, member.external_attr = 3, 0o644 << 16
            wheel.writestr(member, text)
    return zipped.getvalue()


def _record(files: dict[str, str]) -> str:
    lines = []
    for path, text in files.items():
        digest = urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text.encode())}\n")
    return "".join(lines)
