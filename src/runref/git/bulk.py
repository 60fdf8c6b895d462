"""Reading many objects in one go: through the git binary, it takes a tenth of the time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from runref.git.objects import ObjectMissing, ObjectStore
from runref.git.program import git_environment

Content = tuple[str, bytes]
"""Kind and content of an object."""


def read_each(objects: ObjectStore, oids: Sequence[str], limit: int) -> Iterator[Content | None]:
    """Yield each object in turn; none, and no more, at one of more than `limit` bytes.

    Raises:
        ObjectMissing, ObjectDamaged: one cannot be read.
    """
    for oid in oids:
        if objects.size(oid) > limit:
            yield None
            return
        yield objects.read(oid)


def read_through_git(
    program: str, folder: Path, environ: Mapping[str, str], oids: Sequence[str], limit: int
) -> Iterator[Content | None]:
    """Do as `read_each`, for objects whose contents were held against their names on arrival.

    Args:
        program: The git binary.
        folder: A git directory that has them.
        environ: Environment variables for git.
        oids: Names of the objects.
        limit: How many bytes one may have.

    Raises:
        ObjectMissing: one cannot be read.
    """
    with TemporaryFile() as wanted:
        wanted.write("".join(f"{oid}\n" for oid in oids).encode())
        wanted.seek(0)
        with subprocess.Popen(
            [program, f"--git-dir={folder}", "cat-file", "--batch", "--buffer"],
            env=git_environment(environ),
            stdin=wanted,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout  # noqa: S101 - a pipe
            try:
                for oid in oids:
                    found = _next(process.stdout, oid, limit)
                    yield found
                    if found is None:
                        return
            finally:
                process.kill()


def _next(stream: IO[bytes], oid: str, limit: int) -> Content | None:
    head = stream.readline().split()
    if len(head) != 3 or head[0].decode() != oid:
        raise ObjectMissing(
            f"object {oid} cannot be read", hint="`git fsck` in the other repository tells more."
        )
    size = int(head[2])
    if size > limit:
        return None
    body = stream.read(size + 1)
    if len(body) != size + 1:
        raise ObjectMissing(f"object {oid} cannot be read", hint="`git fsck` tells more.")
    return head[1].decode(), body[:-1]
