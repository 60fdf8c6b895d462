"""What is stored, as the names in the store's folders say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress

from runref.artifacts.new_file import unusable
from runref.artifacts.remote.store import Stored

_FOLDER = re.compile(r"[0-9a-f]{2}")
_NAME = re.compile(r"[0-9a-f]{62}")


def contents_of(root: str) -> Iterator[Stored]:
    """Yield everything that is stored in ``sha256``, in any order.

    Raises:
        StoreUnusable: The operating system refuses.
    """
    for folder in _scan(root):
        if not _FOLDER.fullmatch(folder.name):
            continue
        for entry in _scan(folder.path):
            # Network file systems leave names of their own beside what is removed in use.
            if not _NAME.fullmatch(entry.name):
                continue
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                digest = f"sha256:{folder.name}{entry.name}"
                yield Stored(digest, status.st_size, status.st_mtime)


def _scan(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise unusable(folder, error) from error
