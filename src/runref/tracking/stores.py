"""What tracking works on: one repository with its spool, its artifacts and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runref.artifacts import LocalStore
from runref.capture.snapshot import SnapshotRules
from runref.git.repository import Repository
from runref.store.runs_ref import RunsRef
from runref.tracking.spool import Spool


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """How runs are recorded.

    Attributes:
        experiment: Experiment of runs that name none.
        snapshot: What the snapshot leaves out.
        variables: Further environment variables to record, as globs.
        inputs: Paths that every run reads, relative to the root of the working tree.
        outputs: Paths that every run writes, relative to the root of the working tree.
        console_limit: Bytes of console output that a record holds.
        fsync: Whether a run is on the disk before it counts as recorded.
        reference_over: Bytes; larger local inputs are hashed and not copied. None: no limit.
    """

    experiment: str = ""
    snapshot: SnapshotRules = field(default_factory=SnapshotRules)
    variables: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    console_limit: int = 1 << 20
    fsync: bool = True
    reference_over: int | None = None


@dataclass(frozen=True, slots=True)
class Stores:
    """The places of one repository that tracking reads and writes.

    Attributes:
        repository: Where records go.
        root: Folder whose files are the code: the working tree, or any folder with ``--store``.
        spool: Live runs.
        artifacts: Contents of inputs and outputs.
        runs: The runs ref.
        settings: How runs are recorded.
        environ: Environment variables of the process.
    """

    repository: Repository
    root: Path
    spool: Spool
    artifacts: LocalStore
    runs: RunsRef
    settings: TrackingSettings
    environ: Mapping[str, str]

    @property
    def cache_dir(self) -> Path:
        """Where what can be computed again is kept."""
        return self.repository.common_dir / "runref" / "cache"


def artifacts_path(common_dir: Path) -> Path:
    """Return where a repository keeps contents by digest."""
    return common_dir / "runref" / "artifacts"
