"""Downloads: whatever goes wrong, the cache holds the right file or none."""

import functools
import gzip
import hashlib
import http.server
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from pathlib import Path

import pytest

from lamina.utils import archives, download
from lamina.utils.archives import ArchiveError
from lamina.utils.download import DownloadError, check_address
from lamina.utils.files import get_file

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers `/good` and its faulty relatives; other paths from the server's `files`."""

    def do_GET(self):
        self.server.requests.append(self.path)
        getattr(self, "answer_" + self.path.strip("/").split("/")[0], self.answer_file)()

    def answer_file(self, body=None, length=None, **headers):
        body = self.server.files.get(self.path) if body is None else body
        if body is None:
            return self.send_error(404)
        self.send_response(200)
        if length != "none":
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def answer_good(self):
        self.answer_file(CONTENT)

    def answer_short(self):
        self.answer_file(CONTENT[:1200], length=len(CONTENT))

    def answer_silent(self):
        self.answer_file(CONTENT[:1200], length="none")

    def answer_whole(self):
        self.answer_file(CONTENT, length="none")

    def answer_chunked(self):
        self.protocol_version = "HTTP/1.1"
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        end = b"0\r\n\r\n" if self.path.endswith("whole") else b""
        self.wfile.write(b"%x\r\n%s\r\n%s" % (len(CONTENT), CONTENT, end))
        self.close_connection = True

    def answer_slow(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:5000])
        self.wfile.flush()
        self.server.half_sent.set()
        self.server.go_on.wait(20)

    def answer_redirect(self):
        self.send_response(302)
        self.send_header("Location", self.server.location)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.files, running.requests, running.location = {}, [], "/good"
        running.half_sent, running.go_on = threading.Event(), threading.Event()
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.go_on.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def fetch(server, tmp_path):
    def run(path, fname="file", **options):
        return get_file(fname, server.url + path, cache_dir=tmp_path, **options)

    return run


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))


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


@pytest.mark.parametrize("path", ["/short", "/silent", "/whole", "/chunked/cut", "/missing"])
def test_broken_transfer_leaves_nothing(fetch, tmp_path, path):
    with pytest.raises(DownloadError):
        fetch(path)
    assert tree(tmp_path) == ["datasets"]


@pytest.mark.parametrize("path", ["/short", "/silent", "/chunked/cut"])
def test_broken_transfer_with_a_hash_leaves_nothing(fetch, tmp_path, path):
    with pytest.raises((DownloadError, ValueError)):
        fetch(path, file_hash=SHA256)
    assert tree(tmp_path) == ["datasets"]


def test_a_hash_or_chunks_stand_in_for_the_length(fetch):
    assert Path(fetch("/whole", file_hash=SHA256)).read_bytes() == CONTENT
    assert Path(fetch("/chunked/whole", "other")).read_bytes() == CONTENT


def test_wrong_hash_leaves_the_cache_as_it_was(fetch, tmp_path):
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


def test_killed_download_is_begun_again(server, fetch, tmp_path):
    program = "import sys; from lamina.utils.files import get_file; get_file(*sys.argv[1:3],"
    program += "cache_dir=sys.argv[3])"
    arguments = [sys.executable, "-c", program, "file", server.url + "/slow", str(tmp_path)]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as process:
        assert server.half_sent.wait(30)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "datasets" / "file").exists()
    assert Path(fetch("/good")).read_bytes() == CONTENT


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
def test_name_that_is_a_path_is_refused(fetch, tmp_path, name):
    with pytest.raises(ValueError, match="plain file name"):
        fetch("/good", fname=name)
    assert tree(tmp_path) == []


def test_address_or_folder_that_leads_out_is_refused(fetch):
    with pytest.raises(ValueError, match="plain file name"):
        fetch("/good/..", fname=None)
    with pytest.raises(ValueError, match="cache_subdir"):
        fetch("/good", cache_subdir="../out")
    with pytest.raises(ValueError, match="origin is missing"):
        get_file("file")


@pytest.mark.parametrize("url", ["http://example.org/a", "file:///etc/passwd"])
def test_address_without_proof_needs_a_hash(url):
    with pytest.raises(ValueError, match="pass file_hash"):
        get_file("a", url)
    check_address(url, hash_known=True)


@pytest.mark.parametrize("url", ["ftp://example.org/a", "data:,abc", "/etc/passwd"])
def test_other_addresses_are_refused(url):
    with pytest.raises(ValueError, match="must begin with https"):
        get_file("a", url, file_hash=SHA256)


def test_file_address_with_a_hash(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    path = get_file("file", source.as_uri(), file_hash=SHA256, cache_dir=tmp_path)
    assert Path(path).read_bytes() == CONTENT


def test_redirect_is_followed(fetch):
    assert Path(fetch("/redirect")).read_bytes() == CONTENT


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://example.org/a", "ftp://b/a"])
def test_redirect_to_a_worse_address_is_refused(server, fetch, tmp_path, location):
    server.location = location
    with pytest.raises((ValueError, DownloadError), match=r"redirect|not an https"):
        fetch("/redirect")
    assert tree(tmp_path) == ["datasets"]


def test_redirect_into_a_private_network_is_refused(server, fetch, monkeypatch):
    monkeypatch.setattr(download, "_is_private", lambda host: host != "127.0.0.1")
    server.location = "https://10.0.0.1/a"
    with pytest.raises(ValueError, match="private network"):
        fetch("/redirect")


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "localhost"])
def test_private_hosts_are_known(host):
    assert download._is_private(host)
    assert not download._is_private("8.8.8.8")


def test_only_what_has_begun_is_announced(server, fetch, capsys):
    with pytest.raises(DownloadError):
        fetch("/missing")
    assert capsys.readouterr().err == ""
    fetch("/good")
    assert capsys.readouterr().err == f"Downloading {server.url}/good\n"


def test_unreachable_server_is_told_at_once(tmp_path):
    started = time.monotonic()
    with pytest.raises(DownloadError, match="could not be reached"):
        get_file("a", "http://127.0.0.1:1/a", cache_dir=tmp_path)
    assert time.monotonic() - started < download.CONNECT_SECONDS


def test_silent_name_server_is_given_up(tmp_path, monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: released.wait(20) and [])
    with pytest.raises(DownloadError, match="no name server answered"):
        get_file("a", "https://example.org/a", cache_dir=tmp_path)
    released.set()


def test_address_in_messages_has_no_key(fetch, capsys):
    with pytest.raises(DownloadError) as caught:
        fetch("/missing?key=secret")
    assert "secret" not in str(caught.value) + capsys.readouterr().err
    with pytest.raises(ValueError) as long:
        get_file("a", "http://example.org/" + "a" * 2000)
    assert len(str(long.value)) <= 600


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


def special(kind, link=""):
    info = tarfile.TarInfo("special")
    info.type, info.linkname = kind, link
    return info


def zip_link():
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    return info


GOOD = (("flowers/a.txt", b"a"), ("flowers/sub/b.txt", b"b"))
MAKERS = {
    "a.zip": zip_bytes,
    "a.tar": functools.partial(tar_bytes, mode="w"),
    "a.tar.gz": tar_bytes,
    "a.tar.bz2": functools.partial(tar_bytes, mode="w:bz2"),
    "a.tar.xz": functools.partial(tar_bytes, mode="w:xz"),
}


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


BAD = {
    "parent": tar_bytes(*GOOD, ("../out", b"x")),
    "absolute": tar_bytes(*GOOD, ("/out", b"x")),
    "drive": tar_bytes(("C:\\out", b"x")),
    "backslash": zip_bytes(("a\\..\\..\\out", b"x")),
    "symlink": tar_bytes(*GOOD, special(tarfile.SYMTYPE, "/etc/passwd")),
    "hardlink": tar_bytes(*GOOD, special(tarfile.LNKTYPE, "flowers/a.txt")),
    "fifo": tar_bytes(*GOOD, special(tarfile.FIFOTYPE)),
    "device": tar_bytes(*GOOD, special(tarfile.CHRTYPE)),
    "zip parent": zip_bytes(*GOOD, ("../out", b"x")),
    "zip absolute": zip_bytes(*GOOD, ("/out", b"x")),
    "zip link": zip_bytes((zip_link(), "/etc/passwd")),
    "twice": tar_bytes(("a", b"1"), ("a", b"2")),
    "file and folder": zip_bytes(("a", b"1"), ("a/b", b"2")),
    "no archive": b"words",
    "empty": b"",
    "cut gzip": tar_bytes(*GOOD)[:-20],
    "cut tar": tar_bytes(("a", bytes(2000)), mode="w")[:1500],
    "broken header": tar_bytes(("a", b"1"), mode="w")[:1024] + b"broken" * 200,
    "cut zip": zip_bytes(*GOOD)[:-10],
    "bomb": zip_bytes(("zeros", bytes(100_000_000))),
    "tar bomb": gzip.compress(tar_bytes(("zeros", bytes(100_000_000)), mode="w")),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_archive_is_refused_whole(server, fetch, tmp_path, name):
    folder = tmp_path / "datasets" / "flowers"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    server.files["/bad"] = BAD[name]
    with pytest.raises(ArchiveError) as caught:
        fetch("/bad", fname="flowers", extract=True)
    assert len(str(caught.value)) <= 600
    assert tree(tmp_path) == ["datasets", "datasets/flowers", "datasets/flowers/mine.txt"]


def test_too_many_members_are_refused(server, fetch, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 1)
    for server.files["/many"] in (zip_bytes(*GOOD), tar_bytes(*GOOD)):
        with pytest.raises(ArchiveError, match="more than 1 members"):
            fetch("/many", extract=True)


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
