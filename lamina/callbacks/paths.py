"""Whether a callback will be able to write, found out before training starts."""

import os
import tempfile
from pathlib import Path


def check_folder(folder: Path, owner: str) -> None:
    """Refuse a folder that can neither be written to nor be made.

    Args:
        folder: the folder. It is made later, with those it is in, where it does not exist.
        owner: what is to write there, for errors.

    Raises:
        OSError: `NotADirectoryError`, `FileNotFoundError` for a link that leads nowhere, or
            `PermissionError`; the message names the path, the reason and what to do.
    """
    there = folder.absolute()
    while not there.exists():
        if there.is_symlink():
            raise FileNotFoundError(
                f"{owner} cannot write to {str(folder)!r}: {str(there)!r} is a link to "
                f"{os.readlink(there)!r}, which does not exist. Make that folder, or remove the "
                "link."
            )
        there = there.parent
    if not there.is_dir():
        raise NotADirectoryError(
            f"{owner} cannot write to {str(folder)!r}: {str(there)!r} is a file, not a folder. "
            "Choose another path."
        )
    try:
        # What the system says of permissions is not all: a file system may be mounted read-only.
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise PermissionError(
            f"{owner} cannot write to {str(folder)!r}: no file can be made in {str(there)!r} "
            f"({error.strerror or error}). Choose another path, or change its permissions."
        ) from error


def check_file(path: Path, owner: str) -> None:
    """Refuse a path to which no file can be written.

    Raises:
        OSError: as `check_folder`, and `IsADirectoryError` where the path is a folder.
    """
    if path.is_dir():
        raise IsADirectoryError(
            f"{owner} cannot write {str(path)!r}, which is a folder. Give the path of a file."
        )
    check_folder(Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent, owner)
