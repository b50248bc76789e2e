"""Archives: what leads out of the folder, bombs and damage are refused whole.

A number in a name is that of a row of the table of bad inputs, or of an advisory on Keras.
"""

import functools
import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from lamina.utils import archives
from lamina.utils.archives import ArchiveError
from tests.server import tree


def tar_bytes(*members, mode="w:gz"):
    """A tar of `(name, content)` pairs or TarInfo objects."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


def zip_bytes(*members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def special(kind, link="", name="special"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


symlink = functools.partial(special, tarfile.SYMTYPE)


def zip_link():
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    return info


def false_size(archive):
    """A zip file whose members say that they are one byte long."""
    at = archive.index(b"PK\1\2")
    return archive[: at + 24] + b"\1\0\0\0" + archive[at + 28 :]


GOOD = (("flowers/a.txt", b"a"), ("flowers/sub/b.txt", b"b"))
MAKERS = {
    "a.zip": zip_bytes,
    "a.tar": functools.partial(tar_bytes, mode="w"),
    "a.tar.gz": tar_bytes,
    "a.tar.bz2": functools.partial(tar_bytes, mode="w:bz2"),
    "a.tar.xz": functools.partial(tar_bytes, mode="w:xz"),
}


@pytest.fixture
def refused(server, fetch, tmp_path):
    """Fetches and extracts an archive over a folder of the user's, which must stay as it is."""
    folder = tmp_path / "datasets" / "flowers"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")

    def run(content, match=None, **options):
        server.files["/bad"] = content
        before = tree(tmp_path)
        with pytest.raises(ArchiveError, match=match) as caught:
            fetch("/bad", fname="flowers", **(options or {"extract": True}))
        assert len(str(caught.value)) <= 600
        assert tree(tmp_path) == before
        assert (folder / "mine.txt").read_text() == "mine"

    return run


@pytest.mark.parametrize("name", MAKERS)
def test_archive_is_extracted(server, fetch, tmp_path, name):
    server.files["/" + name] = MAKERS[name](*GOOD)
    for _ in range(2):
        folder = fetch("/" + name, fname=None, extract=True)
        assert folder == str(tmp_path / "datasets" / name)
        assert tree(folder) == ["flowers", "flowers/a.txt", "flowers/sub", "flowers/sub/b.txt"]
    assert len(server.requests) == 1


def test_extracted_folder_has_keras_names(server, fetch, tmp_path):
    server.files["/x"] = tar_bytes(*GOOD)
    assert Path(fetch("/x", fname="flowers", untar=True)).name == "flowers"
    assert Path(fetch("/x", fname="roses.tar.gz", extract=True)).name == "roses_extracted"
    assert sorted(os.listdir(tmp_path / "datasets")) == [
        "flowers", "flowers_archive", "roses.tar.gz", "roses_extracted"]  # fmt: skip


LEADS_OUT = {
    "parent": tar_bytes(*GOOD, ("../out", b"x")),
    "absolute": tar_bytes(*GOOD, ("/lamina-out", b"x")),
    "drive": tar_bytes(("C:\\out", b"x")),
    "backslash": zip_bytes(("a\\..\\..\\out", b"x")),
    "symlink": tar_bytes(*GOOD, symlink("/etc/passwd")),
    "hard link": tar_bytes(*GOOD, special(tarfile.LNKTYPE, "flowers/a.txt")),
    "FIFO": tar_bytes(*GOOD, special(tarfile.FIFOTYPE)),
    "character device": tar_bytes(*GOOD, special(tarfile.CHRTYPE)),
    "block device": tar_bytes(*GOOD, special(tarfile.BLKTYPE)),
    "zip parent": zip_bytes(*GOOD, ("../out", b"x")),
    "zip absolute": zip_bytes(*GOOD, ("/lamina-out", b"x")),
    "zip symlink": zip_bytes((zip_link(), "/etc/passwd")),
}


@pytest.mark.parametrize("name", LEADS_OUT)
def test_l20_member_that_leads_out_refuses_the_archive(refused, name):
    refused(LEADS_OUT[name], "member .* (leads out|is a link or a special file)")
    assert not Path("/lamina-out").exists()


DAMAGED = {
    "twice": tar_bytes(("a", b"1"), ("a", b"2")),
    "file and folder": zip_bytes(("a", b"1"), ("a/b", b"2")),
    "long name": tar_bytes(("a" * 300, b"1")),
    "no archive": b"words",
    "empty": b"",
    "cut gzip": tar_bytes(*GOOD)[:-20],
    "cut bzip2": tar_bytes(*GOOD, mode="w:bz2")[:-20],
    "no bzip2": b"BZh91AY&SY and nothing of it",
    "cut tar": tar_bytes(("a", bytes(2000)), mode="w")[:1500],
    "broken header": tar_bytes(("a", b"1"), mode="w")[:1024] + b"broken" * 200,
    "headers of headers": tar_bytes(
        *[special(tarfile.XHDTYPE, name="x")] * 2000, ("a", b"1"), mode="w"
    ),
    "cut zip": zip_bytes(*GOOD)[:-10],
    "false size": false_size(zip_bytes(("a", bytes(1000)))),
    "far member": zip_bytes(*GOOD).replace(b"PK\1\2", b"PK\1\1", 1),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_archive_is_refused_whole(refused, name):
    refused(DAMAGED[name])


def test_l21_ratio_is_limited(refused, monkeypatch):
    # 100 MB in 97 kB; then in every form, with less to spend on it.
    refused(zip_bytes(("zeros", bytes(100_000_000))), "expands to more than 64 MiB")
    monkeypatch.setattr(archives, "FREE_BYTES", 2**20)
    for make in MAKERS.values():
        if make is not MAKERS["a.tar"]:  # which expands to itself
            refused(make(("zeros", bytes(3_000_000))), "expands to more than 1 MiB")
    many = [(str(number), bytes(30_000)) for number in range(100)]
    refused(zip_bytes(*many), "expands to more than")
    refused(gzip.compress(tar_bytes(*many, mode="w")), "expands to more than")


def test_l21_total_is_limited(refused, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 2**20)
    for make in MAKERS.values():
        refused(make(("noise", os.urandom(2**20 + 1))), "expands to more than 1 MiB")


def test_l21_count_is_limited(refused, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 1)
    for make in MAKERS.values():
        refused(make(*GOOD), "more than 1 members")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_l21_header_is_limited(refused, kind):
    header = special(kind)
    header.size = 2**20 + 1
    refused(header.tobuf() + bytes(2**21), "header takes 1048577 bytes")


def test_new_archive_moves_the_old_folder_aside(server, fetch, tmp_path):
    server.files["/x"] = tar_bytes(("old", b"1"))
    folder = Path(fetch("/x", fname="flowers", extract=True))
    (folder / "mine.txt").write_text("mine")
    server.files["/x"] = zip_bytes(("new", b"2"))
    fetch("/x", fname="flowers", extract=True, force_download=True)
    assert tree(folder) == ["new"]
    [aside] = (tmp_path / "datasets").glob("flowers.previous-*")
    assert tree(aside) == ["mine.txt", "old"]


def test_archive_format_is_kept_to(server, fetch):
    server.files["/x"] = zip_bytes(*GOOD)
    with pytest.raises(ArchiveError, match="formats"):
        fetch("/x", extract=True, archive_format="tar")
    with pytest.raises(ValueError, match="unknown"):
        fetch("/x", extract=True, archive_format="rar")
    assert fetch("/x", extract=True, archive_format=["tar", "zip"])


# The one entry point that extracts is get_file, under two spellings and three formats.
ENTRIES = [
    {"extract": True},
    {"untar": True},
    {"extract": True, "archive_format": "tar"},
]


@pytest.mark.parametrize("options", ENTRIES, ids=str)
def test_cve_2024_55459_tar_writes_anywhere(refused, options):
    refused(tar_bytes(("../../.ssh/authorized_keys", b"x")), "leads out", **options)


@pytest.mark.parametrize("options", ENTRIES, ids=str)
def test_cve_2025_12060_and_12638_symlinks_longer_than_a_path(refused, options):
    """Links whose real path is longer than the system resolves, and `..` behind them."""
    deep, members, path = "d" * 247, [], ""
    for letter in "abcdefghijklmnop":
        members += [special(tarfile.DIRTYPE, name=path + deep), symlink(deep, path + letter)]
        path += f"{letter}/"
    members += [symlink("../" * 16, path + "l" * 254), symlink(f"{path}{'l' * 254}/..", "escape")]
    refused(tar_bytes(*members, ("escape/out", b"x")), "is a link", **options)


@pytest.mark.parametrize("make", [tar_bytes, zip_bytes])
def test_cve_2026_11816_members_are_held_to_the_target(refused, tmp_path, monkeypatch, make):
    # The working directory is of no account: not the root, nor the target's neighbour.
    monkeypatch.chdir("/")
    refused(make((f"..{tmp_path}/out", b"x")), "leads out")
    refused(make((f"{tmp_path}/out", b"x")), "leads out")
    # A folder whose name only begins as the target's does is another folder.
    neighbour = tmp_path / "datasets" / "flowers_of_others"
    neighbour.mkdir()
    refused(make(("../flowers_of_others/out", b"x")), "leads out")
    monkeypatch.chdir(neighbour)
    refused(make(("../flowers_of_others/out", b"x")), "leads out")


@pytest.mark.parametrize("options", ENTRIES, ids=str)
def test_cve_2026_12482_symlink_that_drops_parents(refused, options):
    """`a/link/../..` is resolved otherwise by text than by the disk."""
    members = special(tarfile.DIRTYPE, name="a"), symlink(".", "a/link"), symlink("a/link/..", "b")
    refused(tar_bytes(*members, ("b/../out", b"x")), "is a link", **options)
    refused(tar_bytes(("a/../../out", b"x")), "leads out", **options)
