"""The repository that the embedded mode starts with."""

import bz2
import hashlib
import io
import json
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

from web.sample_repository import CHANNELS, SUBDIRS, make_sample


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_channel_that_conda_asks_for_is_there_and_says_which_subdir_it_is(tmp_path):
    make_sample(tmp_path)

    for channel in CHANNELS:
        for subdir in SUBDIRS:
            repodata = json.loads((tmp_path / channel / subdir / "repodata.json").read_text())
            assert repodata["info"] == {"subdir": subdir}


def test_the_conda_package_is_what_its_channel_and_its_own_lists_say(tmp_path):
    make_sample(tmp_path)
    noarch = tmp_path / "main" / "noarch"
    ((name, record),) = json.loads((noarch / "repodata.json").read_text())["packages"].items()
    package = (noarch / name).read_bytes()

    assert record["sha256"] == hashlib.sha256(package).hexdigest()
    assert record["md5"] == hashlib.md5(package).hexdigest()
    assert record["size"] == len(package)
    with tarfile.open(fileobj=io.BytesIO(bz2.decompress(package))) as tar:
        index = json.load(tar.extractfile("info/index.json"))
        assert index.items() <= record.items()
        for path in json.load(tar.extractfile("info/paths.json"))["paths"]:
            content = tar.extractfile(path["_path"]).read()
            assert hashlib.sha256(content).hexdigest() == path["sha256"]
            assert len(content) == path["size_in_bytes"]


def test_the_wheel_is_whole(tmp_path):
    make_sample(tmp_path)
    (wheel,) = (tmp_path / "simple" / "hello-usher").iterdir()

    with zipfile.ZipFile(wheel) as files:
        assert files.testzip() is None
        listed = {line.split(",")[0] for line in files.read(files.namelist()[-1]).decode().split()}
        assert listed == set(files.namelist())


def test_the_same_bytes_are_made_every_time(tmp_path):
    make_sample(tmp_path / "one")
    make_sample(tmp_path / "two")

    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_what_is_there_is_left_alone_and_what_is_missing_comes_back(tmp_path):
    make_sample(tmp_path)
    whole = contents(tmp_path)
    (tmp_path / "main" / "noarch" / "repodata.json").write_text("mine")
    (tmp_path / "r" / "noarch" / "repodata.json").unlink()

    make_sample(tmp_path)

    assert contents(tmp_path) == whole | {"main/noarch/repodata.json": b"mine"}


def test_two_that_make_it_at_once_do_each_other_no_harm(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make_sample, [tmp_path] * 16))
    make_sample(tmp_path / "alone")

    alone = contents(tmp_path / "alone")
    together = {p: c for p, c in contents(tmp_path).items() if not p.startswith("alone")}
    assert together == alone
