"""The index pages that pip and uv need (PEP 503), for a folder named `simple`.

    simple/                          every project
    simple/<normalised name>/        the files of one project

A project's files stand in a folder of its name or directly under `simple`. An `index.html` of the
operator's goes before any page made here. Links are relative, so that they keep the token of the
path they are read under; the pages name no hashes, which would mean reading every file.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from urllib.parse import quote

from werkzeug import Response
from werkzeug.exceptions import NotFound

from web.paths import listed, locate

PAGE = "text/html; charset=utf-8"
DISTRIBUTIONS = (".whl", ".tar.gz", ".zip")


def covers(folders: list[str]) -> bool:
    """Whether pip would ask for an index of this folder."""
    return "simple" in folders[-2:]


def page(root: Path, folders: list[str]) -> Response:
    """The page made for `…/simple/` or `…/simple/<name>/`, or the way to it."""
    if folders[-1] == "simple":
        return _page("Projects", [(f"{quote(name)}/", name) for name in _projects(root, folders)])
    *simple, wanted = folders
    if elsewhere := _written_elsewhere(root, simple, wanted):
        return Response(status=302, headers={"Location": f"../{quote(elsewhere)}/"})
    paths = _files(root, simple, _normal(wanted))
    if not paths:
        raise NotFound("There is no such project in this repository.")
    return _page(wanted, [(quote(f"../{path}"), path.rpartition("/")[2]) for path in paths])


def _projects(root: Path, simple: list[str]) -> list[str]:
    entries = listed(root, *simple)
    folders = {_normal(entry.name) for entry in entries if entry.is_dir()}
    return sorted(folders | {_project(entry.name) for entry in entries if _offered(entry.name)})


def _written_elsewhere(root: Path, simple: list[str], wanted: str) -> str | None:
    """The folder with the operator's own page for a project that was spelled another way."""
    for folder in _folders(root, simple, _normal(wanted)):
        try:
            locate(root, *simple, folder, "index.html")
        except NotFound:
            continue
        return folder if folder != wanted else None
    return None


def _files(root: Path, simple: list[str], project: str) -> list[str]:
    flat = [e.name for e in listed(root, *simple) if _offered(e.name) and not e.is_dir()]
    return [name for name in flat if _project(name) == project] + [
        f"{folder}/{entry.name}"
        for folder in _folders(root, simple, project)
        for entry in listed(root, *simple, folder)
        if _offered(entry.name)
    ]


def _folders(root: Path, simple: list[str], project: str) -> list[str]:
    entries = listed(root, *simple)
    return [e.name for e in entries if e.is_dir() and _normal(e.name) == project]


def _offered(name: str) -> bool:
    return name.endswith(DISTRIBUTIONS)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _project(file: str) -> str:
    """The normalised project in the name of a wheel or a source distribution."""
    return _normal(file.split("-")[0] if file.endswith(".whl") else file.rpartition("-")[0])


def _page(title: str, links: list[tuple[str, str]]) -> Response:
    anchors = "".join(
        f'    <a href="{escape(target)}">{escape(words)}</a><br>\n' for target, words in links
    )
    text = (
        '<!DOCTYPE html>\n<html lang="en">\n  <head>\n    <meta charset="utf-8">\n'
        '    <meta name="pypi:repository-version" content="1.0">\n'
        f"    <title>{escape(title)}</title>\n  </head>\n  <body>\n{anchors}  </body>\n</html>\n"
    )
    answer = Response(text, content_type=PAGE)
    answer.add_etag()
    return answer
