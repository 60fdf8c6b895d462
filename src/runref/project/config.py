"""The settings of a repository: ``.runref.yaml`` in the root of the working tree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runref.errors import ExitStatus, RunrefError
from runref.model.codec import UnreadableDocument, load_yaml
from runref.model.documents import MalformedDocument, from_document

if TYPE_CHECKING:
    from runref.tracking.stores import TrackingSettings

CONFIG_NAME = ".runref.yaml"

TEMPLATE = """\
# Settings of runref for this repository. Every line may go: these are the defaults.

# experiment: digits            # experiment of runs that name none

# snapshot:
#   max_file_size: 1 MiB        # edited and untracked files over this size are left out
#   keep: []                    # globs of files that no rule leaves out
#   secret_names: []            # further globs of file names that look secret

# inputs: []                    # paths that every run reads, hashed and stored
# outputs: []                   # paths that every run writes, hashed and stored

# environment:
#   variables: []               # further environment variables to record (globs)

# console:
#   max_size: 1 MiB             # longer output keeps its head and its tail

# spool: /nfs/team/runref       # live runs on a shared file system
# fsync: true                   # a run is on the disk before it counts as recorded
"""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)


class InvalidConfig(RunrefError):
    """The settings file cannot be understood."""

    code = "invalid-config"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class _Snapshot:
    max_file_size: object = 1 << 20
    keep: tuple[str, ...] = ()
    secret_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Environment:
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Console:
    max_size: object = 1 << 20


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as they stand in the file; see ``schemas/config.schema.json``."""

    experiment: str = ""
    snapshot: _Snapshot = field(default_factory=_Snapshot)
    environment: _Environment = field(default_factory=_Environment)
    console: _Console = field(default_factory=_Console)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    spool: str = ""
    fsync: bool = True

    def tracking(self) -> TrackingSettings:
        """Return what tracking needs to know.

        Raises:
            InvalidConfig: a size cannot be understood.
        """
        from runref.capture.snapshot import SnapshotRules
        from runref.tracking.stores import TrackingSettings

        return TrackingSettings(
            experiment=self.experiment,
            snapshot=SnapshotRules(
                max_file_size=parse_size(self.snapshot.max_file_size),
                secret_names=self.snapshot.secret_names,
                keep=self.snapshot.keep,
            ),
            variables=self.environment.variables,
            inputs=self.inputs,
            outputs=self.outputs,
            console_limit=parse_size(self.console.max_size),
            fsync=self.fsync,
        )


def load_config(root: Path) -> Config:
    """Return the settings of the working tree at `root`; the defaults where it has no file.

    Raises:
        InvalidConfig: the file is no YAML or has a setting that runref does not know.
    """
    path = root / CONFIG_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Config()
    if not sets_anything(data):
        return Config()
    try:
        config = from_document(Config, load_yaml(data))
        parse_size(config.snapshot.max_file_size)
        parse_size(config.console.max_size)
    except (UnreadableDocument, MalformedDocument, InvalidConfig) as error:
        raise InvalidConfig(
            f"{path}: {error.message}",
            hint="`runref init` in an empty folder writes a commented file with every setting.",
        ) from error
    return config


def sets_anything(data: bytes) -> bool:
    """Tell whether a settings file has more than comments, as the one of `TEMPLATE` has not."""
    lines = (line.strip() for line in data.splitlines())
    return any(line and not line.startswith(b"#") for line in lines)


def parse_size(size: object) -> int:
    """Return a size in bytes: a number, or text as ``512 KiB``, ``1.5 GB``.

    Raises:
        InvalidConfig: it is neither.
    """
    if isinstance(size, int) and not isinstance(size, bool) and size >= 0:
        return size
    match = _SIZE.fullmatch(size.strip()) if isinstance(size, str) else None
    if match is None:
        raise InvalidConfig(f"{size!r} is no size", hint="Write 1048576, 512 KiB or 1.5 GB.")
    number, prefix, binary = match.groups()
    base = 1024 if binary else 1000
    return int(float(number) * base ** " KMGT".index(prefix.upper() or " "))
