"""What this clone has claimed at which remote, so that it is not claimed at every push.

The file is disposable: without it, everything is claimed once more.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

import orjson

from runref.artifacts.remote.claims import FOLDER
from runref.errors import RunrefError
from runref.git.files import read_if_there
from runref.git.locks import exclusive

_LOCK_SECONDS = 10.0
RENEWED_AFTER = 7 * 24 * 3600.0
"""Seconds after which a claim is renewed: half of what gc lets it count by default."""


class Claimed:
    """The digests that were claimed at one remote.

    Args:
        folder: Where such files are; created when something is claimed.
        url: The remote's.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self._file = folder / f"{hashlib.sha256(url.encode()).hexdigest()[:24]}.json"

    def without(self, digests: Iterable[str]) -> list[str]:
        """Return those digests that were not claimed lately."""
        limit = time.time() - RENEWED_AFTER
        known = self._load()
        return [digest for digest in digests if known.get(digest, 0.0) < limit]

    def remember(self, digests: Collection[str], name: str) -> None:
        """Note that digests were claimed now; where it cannot be written, they are again.

        Args:
            digests: What was claimed.
            name: How the claim is called at the remote.
        """
        self._change((), (*digests, name))

    def names(self) -> list[str]:
        """Return how this clone's claims are called at the remote, as far as it knows."""
        return [name for name in self._load() if name.startswith(f"{FOLDER}/")]

    def withdrawn(
        self, digests: Collection[str], old: Collection[str], new: Collection[str]
    ) -> None:
        """Note that digests are claimed no more.

        Args:
            digests: What was withdrawn.
            old: How the claims were called.
            new: How those are called that stand in their place.
        """
        self._change({*digests, *old}.difference(new), set(new).difference(old))

    def _change(self, gone: Collection[str], come: Collection[str]) -> None:
        """Drop some names and add others; several processes push from one clone at once."""
        temporary = self._file.with_name(f".{os.urandom(6).hex()}")
        lock = self._file.with_suffix(".lock")
        with suppress(OSError, RunrefError), exclusive(lock, wait=_LOCK_SECONDS):
            known = {name: when for name, when in self._load().items() if name not in gone}
            temporary.write_bytes(orjson.dumps({**known, **dict.fromkeys(come, time.time())}))
            temporary.replace(self._file)

    def _load(self) -> dict[str, float]:
        try:
            known = orjson.loads(read_if_there(str(self._file)) or b"{}")
        except (OSError, orjson.JSONDecodeError):
            return {}
        return known if isinstance(known, dict) else {}
