"""Files from the network, kept in a cache folder that never holds a wrong one."""

import contextlib
import hashlib
import os
import re
import secrets
import stat
import sys
import tempfile
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lamina.core.atomic import atomic_path, sync_folder
from lamina.utils.archives import staged
from lamina.utils.download import check_address, download, shown

_EXTENSION = re.compile(r"(\.tar)?\.[^.]+$")


def get_file(
    fname: str | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Download a file once and return where it lies.

    The file appears in the cache only when it is complete and its hash is right; a cached file
    whose hash is wrong is fetched anew. The address must be `https`; `http` and `file` need
    `file_hash`, except `http` to this machine.

    Args:
        fname: the file's name in the cache; by default the last part of `origin`. With
            `extract`, a name without an extension is the name of the extracted folder.
        origin: the address of the file.
        untar: the older spelling of `extract`.
        md5_hash: the older spelling of `file_hash` for MD5.
        file_hash: the expected hash in hexadecimal.
        cache_subdir: the folder below `cache_dir`, or an absolute folder.
        hash_algorithm: `"sha256"`, `"md5"`, or `"auto"` to tell them by their length.
        extract: whether to unpack the file, a tar or zip archive.
        archive_format: `"tar"`, `"zip"`, a list of them, or `"auto"`.
        cache_dir: the cache; by default `KERAS_HOME`, or `~/.keras`.
        force_download: whether to fetch the file even when the cache has it.

    Returns:
        The path of the file, or with `extract` of the folder with the archive's content.

    Raises:
        ValueError: an argument is wrong, or the hash or the archive is.
        DownloadError: the file could not be fetched whole. It is an `OSError`.

    Example:
        >>> get_file("../passwd", "https://example.org/passwd")
        Traceback (most recent call last):
        ...
        ValueError: get_file: fname must be a plain file name, not '../passwd'. ...

    Keras accepts any address, keeps a file whose hash is wrong, extracts links, and returns a
    folder that is not there when the file is no archive; here these are errors. An archive
    that comes anew moves the folder extracted before aside, under a name that is printed.
    """
    if not origin:
        raise ValueError("get_file: origin is missing. Pass the address of the file.")
    expected = _Hash.of(file_hash, hash_algorithm) if file_hash else _Hash.of(md5_hash, "md5")
    check_address(origin, expected is not None)
    extract = extract or untar
    file_name, folder_name = _names(fname, origin, extract)
    if ".." in Path(cache_subdir).parts:
        raise ValueError(f"get_file: cache_subdir must not contain '..', but is {cache_subdir!r}.")

    cache = _home(cache_dir) / cache_subdir
    if not (cache / (folder_name or file_name)).exists() and not _is_writable(cache):
        cache = _private_folder(cache)
    target = cache / file_name
    folder = cache / folder_name if folder_name else None
    if force_download or not _is_valid(target, expected):
        _fetch(origin, target, expected, folder, archive_format)
    elif folder and not folder.is_dir():
        with staged(target, folder, archive_format) as content:
            _make_room(folder)
            _put_in_place(content, folder)
    return str(folder or target)


class _Hash(NamedTuple):
    """An expected hash."""

    algorithm: str
    value: str

    @classmethod
    def of(cls, value: str | None, algorithm: str) -> "_Hash | None":
        if value is None:
            return None
        lengths = {"sha256": 64, "md5": 32}
        if algorithm == "auto":
            algorithm = next((name for name in lengths if lengths[name] == len(value)), "auto")
        if lengths.get(algorithm) != len(value):
            raise ValueError(
                "get_file: a hash is 64 hexadecimal digits for sha256 or 32 for md5, but "
                f"file_hash has {len(value)} and hash_algorithm is {algorithm!r}."
            )
        return cls(algorithm, value.lower())

    def found_in(self, path: Path) -> str:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, self.algorithm).hexdigest()


def _names(fname: str | None, origin: str, extract: bool) -> tuple[str, str | None]:
    """The file's name in the cache and, with `extract`, that of the folder, as Keras has them."""
    name = fname or urllib.parse.urlsplit(origin).path.rsplit("/", 1)[-1]
    if name in ("", ".", "..") or not name.isprintable() or any(c in name for c in "/\\:"):
        raise ValueError(
            f"get_file: fname must be a plain file name, not {name!r}. "
            "Choose the folder with cache_dir and cache_subdir."
        )
    if not extract:
        return name, None
    if fname is None or "." not in fname:
        return f"{name}_archive", name
    return name, f"{_EXTENSION.sub('', name)}_extracted"


def _home(cache_dir: str | os.PathLike[str] | None) -> Path:
    chosen = cache_dir or os.environ.get("KERAS_HOME") or Path("~", ".keras")
    return Path(chosen).expanduser()


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _private_folder(unwritable: Path) -> Path:
    """A folder of this user alone in place of a cache that cannot be written.

    The name can be guessed, so somebody else might have made it first: it is used only when it
    is a folder of this user that nobody else can enter.
    """
    user = getattr(os, "getuid", lambda: 0)()
    base = Path(tempfile.gettempdir(), f"lamina-cache-{user}")
    with contextlib.suppress(OSError):
        base.mkdir(mode=0o700)
    found = base.lstat() if base.is_dir() else None
    ours = found and stat.S_ISDIR(found.st_mode) and found.st_uid == user
    if not ours or (os.name != "nt" and base.lstat().st_mode & 0o077):
        base = Path(tempfile.mkdtemp(prefix="lamina-cache-"))
    # One folder for each cache: files of one name from two caches stay apart.
    folder = base / hashlib.sha256(str(unwritable).encode()).hexdigest()[:16]
    folder.mkdir(exist_ok=True)
    print(f"The cache {unwritable} cannot be written; using {folder}.", file=sys.stderr)
    return folder


def _is_valid(target: Path, expected: _Hash | None) -> bool:
    if not target.is_file():
        return False
    return expected is None or expected.found_in(target) == expected.value


def _fetch(
    origin: str,
    target: Path,
    expected: _Hash | None,
    folder: Path | None,
    archive_format: str | Sequence[str] | None,
) -> None:
    """Download to the target; an archive takes its place only when its content is good too."""
    with contextlib.ExitStack() as stack:
        with atomic_path(target) as temporary:
            download(origin, temporary, hash_known=expected is not None)
            if expected and (found := expected.found_in(temporary)) != expected.value:
                raise ValueError(
                    f"get_file: the {expected.algorithm} hash of {shown(origin)} is {found}, "
                    f"but {expected.value} was expected; it was thrown away. The file changed, "
                    "was tampered with, or file_hash is that of another one."
                )
            if folder:
                content = stack.enter_context(staged(temporary, folder, archive_format))
                # Before the new archive is there: stopped in between, the next call extracts it.
                _make_room(folder)
        if folder:
            _put_in_place(content, folder)


def _make_room(folder: Path) -> None:
    """Move what stands in the folder's place aside; it may hold work of the user."""
    if folder.exists():
        aside = folder.with_name(f"{folder.name}.previous-{secrets.token_hex(4)}")
        folder.rename(aside)
        print(f"What was in {folder} is now in {aside}.", file=sys.stderr)


def _put_in_place(content: Path, folder: Path) -> None:
    try:
        content.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        # Another process extracted the same archive meanwhile; its folder is as good.
    sync_folder(folder.parent)
