"""Downloads: whatever goes wrong, the cache holds the right file or none."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from lamina.utils.files import get_file
from tests.server import CONTENT, SHA256, tree


def test_file_is_fetched_once(fetch, server, tmp_path):
    path = fetch("/good", file_hash=SHA256)
    assert path == fetch("/good", file_hash=SHA256) == str(tmp_path / "datasets" / "file")
    assert Path(path).read_bytes() == CONTENT
    assert server.requests == ["/good"]
    fetch("/good", force_download=True)
    assert len(server.requests) == 2


def test_name_comes_from_the_address(fetch):
    assert Path(fetch("/good/digits.npz?version=2", fname=None)).name == "digits.npz"


def test_keras_home_is_the_default_cache(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    path = get_file("file", server.url + "/good", cache_subdir="a/b")
    assert path == str(tmp_path / "home/a/b/file")


def test_c16_wrong_hash_leaves_the_cache_as_it_was(fetch, tmp_path):
    with pytest.raises(ValueError, match="was expected; it was thrown away"):
        fetch("/good", file_hash="0" * 64)
    assert tree(tmp_path) == ["datasets"]
    fetch("/good")
    with pytest.raises(ValueError, match="was expected"):
        fetch("/good", file_hash="0" * 64)
    assert Path(fetch("/good")).read_bytes() == CONTENT


def test_cached_file_with_a_wrong_hash_is_fetched_anew(fetch, tmp_path):
    cached = tmp_path / "datasets" / "file"
    cached.parent.mkdir()
    cached.write_bytes(CONTENT[:73])
    assert Path(fetch("/good", md5_hash=hashlib.md5(CONTENT).hexdigest())).read_bytes() == CONTENT


@pytest.mark.parametrize("given", [{"file_hash": "abc"}, {"md5_hash": SHA256}])
def test_hash_of_a_wrong_length_is_an_error(fetch, given):
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        fetch("/good", **given)


def test_hash_may_be_in_capitals(fetch):
    assert fetch("/good", file_hash=SHA256.upper(), hash_algorithm="sha256")


def test_old_leftovers_of_a_killed_download_are_removed(fetch, tmp_path):
    folder = tmp_path / "datasets"
    names = [f".{name}.{digit * 16}.tmp" for name in ("file", "mine") for digit in "012"]
    folder.mkdir()
    for name in names:
        (folder / name).mkdir(parents=True) if "1111" in name else (folder / name).touch()
        if "2222" not in name:
            os.utime(folder / name, (time.time() - 90_000,) * 2)
    fetch("/good")
    assert sorted(os.listdir(folder)) == [names[2], *names[3:], "file"]


@pytest.mark.parametrize("name", ["..", ".", "a/b", "/tmp/a", "..\\a", "a\\b", "C:a", "a\0b"])
def test_l22_name_that_is_a_path_is_refused(fetch, tmp_path, name):
    with pytest.raises(ValueError, match="plain file name"):
        fetch("/good", fname=name)
    assert tree(tmp_path) == []


def test_l22_address_or_folder_that_leads_out_is_refused(fetch):
    with pytest.raises(ValueError, match="plain file name"):
        fetch("/good/..", fname=None)
    with pytest.raises(ValueError, match="cache_subdir"):
        fetch("/good", cache_subdir="../out")
    with pytest.raises(ValueError, match="origin is missing"):
        get_file("file")


def test_unwritable_cache_gives_a_private_folder(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "blocked").touch()
    paths = [
        Path(get_file("file", server.url + "/good", cache_dir=tmp_path / "blocked" / name))
        for name in ("one", "two")
    ]
    assert paths[0].read_bytes() == CONTENT and paths[0] != paths[1]
    assert paths[0].parents[1].stat().st_mode & 0o777 == 0o700
    assert "cannot be written" in capsys.readouterr().err


def test_prepared_folder_of_somebody_is_not_used(server, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    trap = tmp_path / "trap"
    trap.mkdir(mode=0o777)
    (tmp_path / f"lamina-cache-{os.getuid()}").symlink_to(trap)
    (tmp_path / "blocked").touch()
    get_file("file", server.url + "/good", cache_dir=tmp_path / "blocked" / "one")
    assert tree(trap) == []
