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
        self._save({**self._load(), **dict.fromkeys((*digests, name), time.time())})

    def names(self) -> list[str]:
        """Return how this clone's claims are called at the remote, as far as it knows."""
        return [name for name in self._load() if name.startswith(f"{FOLDER}/")]

    def withdrawn(self, digests: Collection[str], names: Collection[str]) -> None:
        """Note that digests are claimed no more, and which claims stand there now."""
        gone = {*digests, *self.names()}.difference(names)
        kept = {name: when for name, when in self._load().items() if name not in gone}
        self._save({**dict.fromkeys(names, time.time()), **kept})

    def _save(self, known: dict[str, float]) -> None:
        temporary = self._file.with_name(f".{os.urandom(6).hex()}")
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(orjson.dumps(known))
            temporary.replace(self._file)

    def _load(self) -> dict[str, float]:
        try:
            known = orjson.loads(self._file.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        return known if isinstance(known, dict) else {}
