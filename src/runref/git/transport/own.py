"""Talking to other repositories without a git binary, through dulwich.

What dulwich does by itself costs all of the history each time: it offers only branches when it
fetches, and walks every object when it pushes. Both are told here what the other side has. It has
no credential helpers; a password can stand in the URL that git's configuration holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runref.git.arrived import check_arrived
from runref.git.format import FORMATS
from runref.git.objects import ObjectStore
from runref.git.outgoing import objects_since
from runref.git.repository import Repository
from runref.git.transport.connecting import connected
from runref.git.transport.transport import (
    Endpoint,
    GitUnreachable,
    OnProgress,
    PushRefused,
    has_moved,
    hint_for,
    moved,
    no_progress,
)
from runref.model.credentials import without_credentials

_KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}


@dataclass(frozen=True, slots=True)
class Dulwich:
    """Another repository, reached through dulwich; see `Transport`.

    Attributes:
        endpoint: The other repository.
        url: Where it is, with credentials.
        push_url: The same where pushes go.
        repository: Ours.
    """

    endpoint: Endpoint
    url: str
    push_url: str
    repository: Repository

    def fetch(self, folder: Path, ref: str, *, on_progress: OnProgress = no_progress) -> str:
        """See `Transport.fetch`."""
        arrived: dict[bytes, bytes] = {}
        pack = folder / "objects" / "pack" / f"tmp_pack_{os.urandom(8).hex()}"
        with (
            self._explained(),
            connected(self.url, self.repository, "pull") as (client, path),
            pack.open("wb") as file,
        ):

            def wanted(refs: Any, depth: int | None = None) -> list[Any]:
                del depth
                arrived.update(refs)
                tip = refs.get(ref.encode())
                have = tip is not None and self.repository.objects.contains(tip.decode())
                return [] if tip is None or have else [tip]

            on_progress("receiving objects", 0, 0)
            haves: Any = _Haves(self._haves())
            client.fetch_pack(path, wanted, haves, file.write)
        tip = arrived.get(ref.encode(), b"").decode()
        if pack.stat().st_size > _EMPTY_PACK:
            self._take(folder, pack)
        pack.unlink(missing_ok=True)
        return tip

    def push(
        self, folder: Path, ref: str, *, old: str, new: str, on_progress: OnProgress = no_progress
    ) -> None:
        """See `Transport.push`."""
        del folder
        objects = self.repository.objects
        zero = b"0" * FORMATS[self.repository.object_format].hex_length

        def swapped(refs: Any) -> Any:
            there = refs.get(ref.encode(), zero)
            if there != (old.encode() or zero):
                raise moved(ref, self.endpoint.url, "stale info")
            return {ref.encode(): new.encode()}

        def packed(*_: Any, **__: Any) -> tuple[int, Iterator[Any]]:
            names = list(objects_since(objects, old, new))
            return len(names), _unpacked(objects, names, on_progress)

        words: list[bytes] = []
        with (
            self._explained(),
            connected(self.push_url, self.repository, "push") as (client, path),
        ):
            done = client.send_pack(path.encode(), swapped, packed, progress=words.append)
        reason = (done.ref_status or {}).get(ref.encode())
        if reason is None:
            return
        told = "\n".join([reason, *b"".join(words).decode("utf-8", "replace").splitlines()])
        if has_moved(reason) or "unable to set" in reason:
            raise moved(ref, self.endpoint.url, told)
        raise PushRefused(f"{self.endpoint.url} refuses {ref}: {told}", hint=hint_for(told.lower()))

    def _haves(self) -> list[str]:
        from runref.git.all_refs import all_refs

        refs = all_refs(str(self.repository.common_dir))
        return [oid for name, oid in refs.items() if name.startswith("refs/runref/")]

    def _take(self, folder: Path, pack: Path) -> None:
        from dulwich.object_format import SHA1, SHA256
        from dulwich.pack import PackData

        of = self.repository.object_format
        objects = ObjectStore(f"{folder}/objects", FORMATS[of])
        with self._explained():
            data = PackData(str(pack), object_format=SHA256 if of == "sha256" else SHA1)
            try:
                checksum = data.create_index(str(pack) + ".idx").hex()
                names = [entry[0].hex() for entry in data.iterentries()]
            finally:
                data.close()
        base = pack.parent / f"pack-{checksum}"
        pack.rename(base.with_suffix(".pack"))
        Path(f"{pack}.idx").rename(base.with_suffix(".idx"))
        check_arrived(objects, names)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from dulwich.client import HTTPUnauthorized
        from dulwich.errors import GitProtocolError, NotGitRepository, SendPackError
        from urllib3.exceptions import HTTPError

        try:
            yield
        except SendPackError as problem:
            told = os.fsdecode(problem.args[0]) if problem.args else "no reason given"
            raise PushRefused(
                f"{self.endpoint.url} refuses the push: {told}", hint=hint_for(told.lower())
            ) from problem
        except (
            HTTPUnauthorized,
            GitProtocolError,
            NotGitRepository,
            HTTPError,
            OSError,
            ValueError,
        ) as problem:
            told = without_credentials(str(problem)) or type(problem).__name__
            raise GitUnreachable(
                f"{self.endpoint.url}: {told}",
                hint="With a git binary on PATH, runref talks through git, with its credentials.",
            ) from problem


_EMPTY_PACK = 32
"""Bytes of a pack without objects, at most: its header and checksum (12 + 20)."""


class _Haves:
    """Tells the other side what is here, newest first; dulwich asks for one at a time."""

    def __init__(self, oids: list[str]) -> None:
        self._oids = iter(oids)
        self.shallow: set[bytes] = set()
        self.unshallow: set[bytes] = set()

    def __next__(self) -> bytes | None:
        oid = next(self._oids, None)
        return None if oid is None else oid.encode()

    next = __next__

    def ack(self, sha: bytes) -> None:
        """Take notice that the other side has it, too: one is enough, as histories are shared."""

    def nak(self) -> None:
        """Take notice that it has it not."""


def _unpacked(objects: ObjectStore, names: list[str], on_progress: OnProgress) -> Iterator[Any]:
    from dulwich.pack import UnpackedObject

    for number, oid in enumerate(names):
        on_progress("sending objects", number, len(names))
        kind, body = objects.read(oid)
        yield UnpackedObject(_KINDS[kind], decomp_chunks=[body], sha=bytes.fromhex(oid))
