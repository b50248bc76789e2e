"""Transfers: broken, killed, or from where they should not come; never is a part taken for all.

A number in a name is that of a row of the table of bad inputs.
"""

import functools
import io
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from lamina.utils import download
from lamina.utils.download import DownloadError, check_address
from lamina.utils.files import get_file
from tests.server import CERTIFICATE, CONTENT, SHA256, running_server, tree


@pytest.mark.parametrize("path", ["/short", "/silent", "/whole", "/chunked/cut", "/missing"])
def test_c15_broken_transfer_leaves_nothing(fetch, tmp_path, path):
    with pytest.raises(DownloadError, match=r"get_file: .*/") as caught:
        fetch(path)
    assert len(str(caught.value)) <= 600
    assert tree(tmp_path) == ["datasets"]


@pytest.mark.parametrize("path", ["/short", "/silent", "/chunked/cut"])
def test_c15_broken_transfer_with_a_hash_leaves_nothing(fetch, tmp_path, path):
    with pytest.raises((DownloadError, ValueError)):
        fetch(path, file_hash=SHA256)
    assert tree(tmp_path) == ["datasets"]


def test_a_hash_or_chunks_stand_in_for_the_length(fetch):
    assert Path(fetch("/whole", file_hash=SHA256)).read_bytes() == CONTENT
    assert Path(fetch("/chunked/whole", "other")).read_bytes() == CONTENT


def test_c14_killed_download_is_begun_again(server, fetch, tmp_path):
    program = "import sys; from lamina.utils.files import get_file; get_file(*sys.argv[1:3],"
    program += "cache_dir=sys.argv[3])"
    arguments = [sys.executable, "-c", program, "file", server.url + "/slow", str(tmp_path)]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as process:
        assert server.half_sent.wait(30)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "datasets" / "file").exists()
    assert Path(fetch("/good")).read_bytes() == CONTENT


# A child for each call that writes: it is killed there, and the cache is as before or as after.
KILLED_EVERYWHERE = """
import os, shutil, signal, sys
from pathlib import Path
from lamina.utils.files import get_file

url, cache, old, new = sys.argv[1], Path(sys.argv[2]), *sys.argv[3].encode().split(b"|")
CALLS = "open write fsync sync chmod replace rename mkdir unlink close rmdir listdir".split()
files = cache / "datasets"

def fetch():
    return Path(get_file("file", url, cache_dir=cache, **OPTIONS))

def kill_at(number):
    def count(frame, event, function):
        nonlocal number
        if event == "c_call" and function.__name__ in CALLS:
            number -= 1
            if number < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    return count

def content(path):
    return (path / "a").read_bytes() if path.is_dir() else path.read_bytes()

number, killed = 0, True
while killed:
    shutil.rmtree(cache, ignore_errors=True)
    files.mkdir(parents=True)
    PREPARE
    if not (child := os.fork()):
        sys.setprofile(kill_at(number))
        fetch()
        os._exit(0)
    killed = os.waitpid(child, 0)[1] == signal.SIGKILL
    found = content(files / "file") if (files / "file").exists() else None
    assert found in ((ALLOWED) if killed else (new,)), (number, found)
    assert content(fetch()) in (old, new), number
    if "mine" in sys.argv:
        assert [path.read_text() for path in files.glob("*/mine")] == ["mine"], number
    number += 1
print(number)
"""
STATES = {
    "first": {"OPTIONS": "{}", "PREPARE": "", "ALLOWED": "None, new"},
    "again": {
        "OPTIONS": "{'force_download': True}",
        "PREPARE": "(files / 'file').write_bytes(old)",
        "ALLOWED": "old, new",
    },
    "archive": {
        "OPTIONS": "{'extract': True, 'force_download': True}",
        "PREPARE": "(files / 'file').mkdir(), *map(lambda name: "
        "(files / 'file' / name).write_bytes(b'mine' if name == 'mine' else old), ('mine', 'a'))",
        "ALLOWED": "None, old, new",
    },
}


@pytest.mark.parametrize("state", STATES)
def test_c14_killed_anywhere_the_cache_is_never_wrong(server, tmp_path, state):
    program = functools.reduce(
        lambda text, pair: text.replace(*pair), STATES[state].items(), KILLED_EVERYWHERE
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", "new")
    server.files["/x"] = buffer.getvalue() if state == "archive" else b"new"
    mine = ["mine"] if state == "archive" else []
    arguments = [server.url + "/x", str(tmp_path / "cache"), "old|new", *mine]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 8  # so many places there are at least


@pytest.mark.parametrize("url", ["http://example.org/a", "file:///etc/passwd"])
def test_l23_address_without_proof_needs_a_hash(url):
    with pytest.raises(ValueError, match="pass file_hash"):
        get_file("a", url)
    check_address(url, hash_known=True)


@pytest.mark.parametrize("url", ["ftp://example.org/a", "data:,abc", "/etc/passwd"])
def test_l23_other_addresses_are_refused(url):
    with pytest.raises(ValueError, match="must begin with https"):
        get_file("a", url, file_hash=SHA256)


def test_l23_file_address_with_a_hash(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    path = get_file("file", source.as_uri(), file_hash=SHA256, cache_dir=tmp_path)
    assert Path(path).read_bytes() == CONTENT


@pytest.fixture
def secure_server():
    with running_server(CERTIFICATE) as running:
        yield running


def test_l23_https_needs_a_trusted_certificate(secure_server, tmp_path, monkeypatch):
    address = secure_server.url + "/good"
    with pytest.raises(DownloadError, match="certificate"):
        get_file("file", address, cache_dir=tmp_path)
    with pytest.raises(DownloadError, match="certificate"):  # nor does a hash stand in for it
        get_file("file", address, cache_dir=tmp_path, file_hash=SHA256)
    assert tree(tmp_path) == ["datasets"] and secure_server.requests == []
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert Path(get_file("file", address, cache_dir=tmp_path)).read_bytes() == CONTENT


@pytest.mark.parametrize("options", [{}, {"file_hash": SHA256}], ids=str)
def test_l23_redirect_from_https_to_http_is_refused(
    secure_server, server, tmp_path, monkeypatch, options
):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    secure_server.location = server.url + "/good"
    with pytest.raises(ValueError, match="which is no https address; refused"):
        get_file("file", secure_server.url + "/redirect", cache_dir=tmp_path, **options)
    assert server.requests == [] and tree(tmp_path) == ["datasets"]
    secure_server.location = "/good"
    get_file("file", secure_server.url + "/redirect", cache_dir=tmp_path, **options)


def test_redirect_is_followed(fetch):
    assert Path(fetch("/redirect")).read_bytes() == CONTENT


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://example.org/a", "ftp://b/a"])
def test_l23_redirect_to_a_worse_address_is_refused(server, fetch, tmp_path, location):
    server.location = location
    with pytest.raises((ValueError, DownloadError), match=r"redirect|not an https"):
        fetch("/redirect")
    assert tree(tmp_path) == ["datasets"]


def test_l23_redirect_into_a_private_network_is_refused(server, fetch, tmp_path, monkeypatch):
    """The server stands for one of the internet."""
    real = download._is_private
    monkeypatch.setattr(download, "_is_private", lambda host: host != "127.0.0.1" and real(host))
    server.location = f"http://localhost:{server.server_port}/good"
    with pytest.raises(ValueError, match="redirects into a private network"):
        fetch("/redirect")
    assert server.requests == ["/redirect"] and tree(tmp_path) == ["datasets"]


def test_l23_name_that_answers_otherwise_the_second_time_is_refused(
    server, fetch, tmp_path, monkeypatch
):
    """As above, and the first look at the redirect's name sees a public address."""
    monkeypatch.setattr(download, "_is_private", lambda host: False)
    server.location = "/good"
    with pytest.raises(DownloadError, match="a redirect into a private network; refused"):
        fetch("/redirect")
    assert server.requests == ["/redirect"] and tree(tmp_path) == ["datasets"]


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
