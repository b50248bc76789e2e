"""One file over HTTP, complete or not at all."""

import functools
import http.client
import ipaddress
import queue
import shutil
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, BinaryIO

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
_CHUNK_BYTES = 1 << 18


class DownloadError(OSError):
    """A file could not be fetched: the server was not reached, refused, or broke off."""


def download(url: str, path: Path, hash_known: bool) -> None:
    """Fetch `url` into the new file `path`.

    Args:
        url: an `https` address; others as `check_address` says.
        path: the file to write. What stands there after an error is of no use.
        hash_known: whether the caller will check the file against a hash.

    Raises:
        ValueError: the address is not allowed.
        DownloadError: the file could not be fetched whole.
    """
    check_address(url, hash_known)
    name = shown(url)
    try:
        with _open(url, hash_known) as response, open(path, "wb") as file:
            expected = _expected_bytes(response, name, hash_known)
            print(f"Downloading {name}", file=sys.stderr)
            received = _copy(response, file, expected)
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadError(
            f"get_file: the server answered {error.code} {error.reason} for {name}. "
            "Check the address, or try again later."
        ) from error
    except http.client.HTTPException as error:
        raise DownloadError(f"get_file: {name} broke off ({error}). Try again.") from error
    except (urllib.error.URLError, ssl.SSLError, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(
            f"get_file: {name} could not be reached ({reason}). Check the network, or put the "
            "file into the cache folder by hand."
        ) from error
    if expected is not None and received != expected:
        raise DownloadError(
            f"get_file: {name} broke off after {received} of {expected} bytes. Try again."
        )


def shown(url: str) -> str:
    """An address for messages: not too long, and without the query, which may hold a key."""
    return url.split("?")[0][:160]


def check_address(url: str, hash_known: bool) -> None:
    """Refuse an address whose content nothing vouches for.

    `https` is always allowed; `http` and `file` only when a hash is known, and `http` to this
    machine; nothing else.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        return
    if parts.scheme == "http" and (hash_known or _is_loopback(parts.hostname)):
        return
    if parts.scheme == "file" and hash_known:
        return
    if parts.scheme in ("http", "file"):
        raise ValueError(
            f"get_file: {shown(url)} is not an https address, so anybody on the way could change "
            "the file. Use https, or pass file_hash='<sha256 of the file>'."
        )
    raise ValueError(
        f"get_file: cannot fetch {shown(url)!r}: the address must begin with https://."
    )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where the first request could have gone."""

    def __init__(self, hash_known: bool) -> None:
        self.hash_known = hash_known

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: Any,
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            self._check(req.full_url, newurl)
        except ValueError:
            fp.close()
            raise
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request:
            # Looked at again when connecting: a name may answer otherwise the second time.
            request.public_only = not _is_private(urllib.parse.urlsplit(req.full_url).hostname)  # type: ignore[attr-defined]
        return request

    def _check(self, start: str, target: str) -> None:
        first, last = urllib.parse.urlsplit(start), urllib.parse.urlsplit(target)
        allowed = ("https",) if first.scheme == "https" else ("http", "https")
        if last.scheme not in allowed:
            raise ValueError(
                f"get_file: {shown(start)} redirects to {shown(target)}, which is no "
                f"{' or '.join(allowed)} address; refused. If that is right, pass the last "
                "address itself."
            )
        check_address(target, self.hash_known)
        if _is_private(last.hostname) and not _is_private(first.hostname):
            raise ValueError(
                f"get_file: {shown(start)} redirects into a private network, to {shown(target)}; "
                "refused. If that is right, pass the last address itself."
            )


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _is_private(host: str | None) -> bool:
    """Whether any address of the host is not of the public internet."""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False  # behind a proxy the names of the internet need not resolve here
    return not all(_is_public(str(entry[4][0])) for entry in found)


def _is_public(address: str) -> bool:
    return ipaddress.ip_address(address.split("%")[0]).is_global


def _connect(
    address: tuple[str, int],
    timeout: float,
    source_address: tuple[str, int] | None = None,
    public_only: bool = False,
) -> socket.socket:
    """Connect within one time limit for all addresses of the host together.

    The standard library gives each address the whole limit, which behind a silent firewall
    makes minutes of a few seconds.
    """
    deadline = time.monotonic() + CONNECT_SECONDS
    problem: OSError = TimeoutError("timed out")
    for entry in _resolve(*address):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            break
        place = str(entry[4][0]), address[1]
        if public_only and not _is_public(place[0]):
            problem = OSError("a redirect into a private network; refused")
            continue
        try:
            connected = socket.create_connection(place, remaining, source_address)
        except OSError as error:
            problem = error
            continue
        connected.settimeout(timeout)
        return connected
    raise problem


def _resolve(host: str, port: int) -> list[Any]:
    """The host's addresses, or an error in time: a silent name server may take half a minute."""
    found: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            found.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = found.get(timeout=CONNECT_SECONDS)
    except queue.Empty:
        raise TimeoutError("no name server answered") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


class _Connection(http.client.HTTPConnection):
    def __init__(self, *arguments: Any, public_only: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._create_connection = functools.partial(_connect, public_only=public_only)


class _SecureConnection(http.client.HTTPSConnection):
    def __init__(self, *arguments: Any, public_only: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._create_connection = functools.partial(_connect, public_only=public_only)


class _PlainHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req, public_only=_is_public_only(req))


class _SecureHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, req, public_only=_is_public_only(req))


def _is_public_only(request: urllib.request.Request) -> bool:
    """Whether the request must not go into a private network; a proxy may stand in one."""
    through_proxy = request.has_proxy() or getattr(request, "_tunnel_host", None)
    return getattr(request, "public_only", False) and not through_proxy


def _open(url: str, hash_known: bool) -> Any:
    opener = urllib.request.build_opener(_PlainHandler, _SecureHandler, _Redirects(hash_known))
    request = urllib.request.Request(url, headers={"User-Agent": "lamina"})
    return opener.open(request, timeout=READ_SECONDS)


def _expected_bytes(response: Any, name: str, hash_known: bool) -> int | None:
    """The announced length; None where the transfer or a hash shows by itself a lost end."""
    announced: int | None = getattr(response, "length", None)
    if announced is not None or hash_known or getattr(response, "chunked", False):
        return announced
    raise DownloadError(
        f"get_file: the server of {name} does not say how long the file is, so a broken transfer "
        "could not be seen. Pass file_hash='<sha256 of the file>'."
    )


def _copy(response: Any, file: BinaryIO, expected: int | None) -> int:
    """Copy the body to the file, with a progress bar where somebody watches."""
    if not sys.stderr.isatty():
        shutil.copyfileobj(response, file, _CHUNK_BYTES)
        return file.tell()
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=expected)
        while chunk := response.read(_CHUNK_BYTES):
            file.write(chunk)
            bar.advance(task, len(chunk))
    return file.tell()
