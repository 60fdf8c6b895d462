"""The settings of a repository: ``.runref.yaml`` in the root of the working tree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from runref.errors import ExitStatus, RunrefError
from runref.model.codec import UnreadableDocument, load_yaml
from runref.model.credentials import credentials_in
from runref.model.documents import MalformedDocument, from_document
from runref.project.retention_settings import RetentionSettings

if TYPE_CHECKING:
    from runref.tracking.stores import TrackingSettings

CONFIG_NAME = ".runref.yaml"
CLONE_CONFIG_NAME = "remotes.yaml"

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

# remotes:                      # where artifacts go: `runref remote add` writes these lines
#   lab:
#     url: s3://experiments/team-a
#     options: {endpoint_url: "https://minio.lab:9000"}
#     push: true                # whether `runref push` writes there unless told where
#     concurrency: 16           # requests at once
#     max_rate: 20 MB           # bytes per second (default: no limit)
# default_remote: lab           # read before the others (default: the first)

# artifacts:
#   link: copy                  # or hard: large files become read-only links into the store
#   reference_over: 10 GiB      # larger inputs are hashed, not stored (default: no limit)

# retention:                    # what `runref gc` forgets when it is called without options
#   failed: 30d                 # failed runs of this age (default: never); the same with
#   interrupted: 30d            #   interrupted, with older_than for all runs,
#   removed: 7d                 #   and with removed since `runref rm`
#   query: experiment != "paper"  # only runs that meet this
#   keep_best: 5                # stay whatever their age: the best of each experiment …
#   by: val/acc                 # … by this, largest first; smallest first with min: true
#   keep_tagged: true           # and runs with tags

# queries:                      # named queries: `runref ls 'queries.good and lr < 1e-3'`
#   good: val/acc > 0.9 and status == "finished"

# store:
#   repository: ../runs.git     # records go into another repository: a path, or a URL of git

# spool: /nfs/team/runref       # live runs on a shared file system
# fsync: true                   # a run is on the disk before it counts as recorded
"""

REMOTE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)


_Settings = TypeVar("_Settings", "Config", "CloneConfig")


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
class _Artifacts:
    link: str = "copy"
    reference_over: object = None


@dataclass(frozen=True, slots=True)
class _Store:
    repository: str = ""


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """What one settings file says of a remote; what it leaves out, another one may say."""

    url: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    push: bool | None = None
    concurrency: int | None = None
    max_rate: object = None


@dataclass(frozen=True, slots=True)
class CloneConfig:
    """The settings of one clone alone: remotes, and what its user adds to those of all clones."""

    remotes: Mapping[str, RemoteSettings] = field(default_factory=dict)
    default_remote: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as they stand in the file; see ``schemas/config.schema.json``."""

    experiment: str = ""
    snapshot: _Snapshot = field(default_factory=_Snapshot)
    environment: _Environment = field(default_factory=_Environment)
    console: _Console = field(default_factory=_Console)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    remotes: Mapping[str, RemoteSettings] = field(default_factory=dict)
    default_remote: str = ""
    artifacts: _Artifacts = field(default_factory=_Artifacts)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    queries: Mapping[str, str] = field(default_factory=dict)
    store: _Store = field(default_factory=_Store)
    spool: str = ""
    fsync: bool = True

    @property
    def reference_over(self) -> int | None:
        """Bytes over which an input is recorded by reference; none where every one is stored."""
        size = self.artifacts.reference_over
        return None if size is None else parse_size(size)

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
            reference_over=self.reference_over,
        )


def load_config(root: Path) -> Config:
    """Return the settings of the working tree at `root`; the defaults where it has no file.

    Raises:
        InvalidConfig: the file is no YAML or has a setting that runref does not know.
    """
    hint = "`runref init` in an empty folder writes a commented file with every setting."
    return _load(root / CONFIG_NAME, Config, hint)


def load_clone_config(common_dir: Path) -> CloneConfig:
    """Return the settings of one clone alone; none where it has no such file.

    Raises:
        InvalidConfig: as for `load_config`.
        OSError: the file cannot be read; it is its owner's alone.
    """
    hint = "It may hold `remotes:` and `default_remote:`, as .runref.yaml does."
    return _load(clone_config_path(common_dir), CloneConfig, hint)


def clone_config_path(common_dir: Path) -> Path:
    """Return where the settings of one clone alone are, which may hold secrets."""
    return common_dir / "runref" / CLONE_CONFIG_NAME


def _load(path: Path, kind: type[_Settings], hint: str) -> _Settings:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return kind()
    if not sets_anything(data):
        return kind()
    try:
        config = from_document(kind, load_yaml(data))
        _check(config)
    except (UnreadableDocument, MalformedDocument, InvalidConfig) as error:
        raise InvalidConfig(f"{path}: {error.message}", hint=hint) from error
    return config


def _check(config: Config | CloneConfig) -> None:
    """Refuse values that no class of the settings can refuse by itself."""
    for name, remote in config.remotes.items():
        with _naming(f"remotes: {name!s:.60}"):
            _check_remote(name, remote)
    if isinstance(config, Config):
        with _naming("snapshot: max_file_size"):
            parse_size(config.snapshot.max_file_size)
        with _naming("console: max_size"):
            parse_size(config.console.max_size)
        if credentials_in(config.store.repository, {}):
            raise InvalidConfig(
                "store: repository: a password stands in the URL, and this file is shared",
                hint="git's credential helper, or an ssh key, keeps it out of files.",
            )
        if config.artifacts.link not in ("copy", "hard"):
            raise InvalidConfig(f"artifacts: link: {config.artifacts.link!r} is not copy or hard")
        with _naming("artifacts: reference_over"):
            _ = config.reference_over
        try:
            config.retention.policy()
        except ValueError as error:
            raise InvalidConfig(f"retention: {error}") from error


def _check_remote(name: str, remote: RemoteSettings) -> None:
    if not REMOTE_NAME.fullmatch(name):
        raise InvalidConfig("the name of a remote has letters, digits, '.', '_' and '-'")
    if remote.concurrency is not None and remote.concurrency < 1:
        raise InvalidConfig(f"concurrency: {remote.concurrency} is less than 1")
    with _naming("max_rate"):
        if remote.max_rate is not None and parse_size(remote.max_rate) == 0:
            raise InvalidConfig("nothing moves at 0 bytes per second")


@contextmanager
def _naming(key: str) -> Iterator[None]:
    """Put the key before what is wrong with its value."""
    try:
        yield
    except InvalidConfig as error:
        raise InvalidConfig(f"{key}: {error.message}", hint=error.hint) from error


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
