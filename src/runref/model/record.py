"""The record of a finished run: frozen values, one class per part of ``run.yaml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from runref.model.values import Number

FORMAT = 1
"""Number of the format that this version writes; every lower one stays readable."""

FINISHED, FAILED, INTERRUPTED = "finished", "failed", "interrupted"
"""How a run can end: by itself; by an exception or a bad exit status; killed or stopped."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file of the working tree that the snapshot does not hold.

    Attributes:
        path: Relative to the root of the working tree, ``os.fsdecode``'d.
        size: Bytes.
        reason: ``size``, ``secret-name``, ``secret-content``, ``special`` (no regular file),
            ``unreadable``, ``vanished``, ``name`` (git refuses it) or ``lfs`` (pointer kept).
        detail: Which rule matched, for people.
    """

    path: str
    size: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Submodule:
    """A submodule whose files, with their edits, are part of the snapshot."""

    path: str
    commit: str
    url: str = ""
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """The code a run saw.

    Attributes:
        tree: Object id of the snapshot in this repository's hash.
        manifest: ``sha256:<hex>`` of the snapshot's manifest.
        files: How many files the snapshot holds.
        commit: The commit that was checked out; empty in a repository without one.
        branch: The branch that was checked out; empty when HEAD was detached.
        edited: Tracked files whose content or mode differs from the commit.
        untracked: Files of the snapshot that git does not track.
        deleted: Tracked files that were gone.
        left_out: What the snapshot does not hold, and why.
        submodules: Submodules whose files are in the snapshot.
    """

    tree: str
    manifest: str
    files: int
    commit: str = ""
    branch: str = ""
    edited: int = 0
    untracked: int = 0
    deleted: int = 0
    left_out: tuple[LeftOut, ...] = ()
    submodules: tuple[Submodule, ...] = ()


@dataclass(frozen=True, slots=True)
class DataFile:
    """An input or output of a run.

    Either its content was copied into the artifact store (`stored`), or it is recorded by reference
    (`by_reference`), or it could not be recorded (`problem` says why).

    Attributes:
        path: Relative to the root of the working tree where it lies inside, else absolute; of an
            input at a URL, the URL without credentials.
        kind: ``file`` or ``directory``. A URL that ends in a slash is a directory.
        digest: ``sha256:<hex>`` of the file's bytes or of the directory's manifest; empty where the
            content was not read.
        size: Bytes, of all files together.
        files: How many files; 1 for a file.
        stored: Whether the content is in the artifact store.
        problem: Why it was not hashed or not stored; empty where all is well.
        etag: What the server of a URL says of the content: its ETag; where it has none,
            ``modified:`` and when it was last changed; of a directory ``listing:`` and the SHA-256
            of its listing.
        version: The server's id of this version of the object, where it keeps versions.
        reference_over: The limit in bytes that a local input was larger than, for which it was
            hashed and not stored; none where that was not the reason.
        executable: Whether the owner of a single file may execute it. The files of a directory have
            that in its manifest.
    """

    path: str
    kind: str
    digest: str
    size: int
    files: int = 1
    stored: bool = True
    problem: str = ""
    etag: str = ""
    version: str = ""
    reference_over: int | None = None
    executable: bool = False

    @property
    def at_url(self) -> bool:
        """Whether it lies at a URL, which is read where it is."""
        return is_url(self.path)

    @property
    def identity(self) -> str:
        """What tells this content from others; empty where nothing is known of it."""
        return self.digest or self.etag or self.version

    @property
    def by_reference(self) -> bool:
        """Whether it is known which content it was, and the content was not stored."""
        return not self.stored and bool(self.identity)


def is_url(path: str) -> bool:
    """Tell whether an input is named by a URL: ``s3://bucket/data.csv``."""
    return _URL.match(path) is not None


def stays_inside(path: str) -> bool:
    """Tell whether a recorded path stays below the root of the working tree.

    A record may come from anyone.
    """
    place = PurePosixPath(path)
    return not (is_url(path) or place.is_absolute() or ".." in place.parts)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, nested as it was given.

    Attributes:
        value: A plain value: text, number, boolean, none, list or mapping.
        source: ``given`` (by the user or the program) or ``command-line`` (read off the command).
    """

    value: object
    source: str = "given"


@dataclass(frozen=True, slots=True)
class Command:
    """How the run was started.

    Attributes:
        argv: The command's words; values that look secret are masked.
        directory: Working directory, relative to the root of the working tree.
        python_path: Folders of the working tree that stood on Python's path, relative to its root.
        variables: Environment variables of the allow-list that were set.
    """

    argv: tuple[str, ...]
    directory: str = "."
    python_path: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """What one series comes to. NaN counts as a value but is never the minimum or maximum.

    Attributes:
        count: Points in the series.
        first: Value of the first point.
        last: Value of the last point.
        min: Smallest value; NaN where there is no other.
        max: Largest value; NaN where there is no other.
        mean: Arithmetic mean of the finite values; NaN where there is none.
        last_step: Step of the last point.
        step_of_min: Step of the first point with the smallest value.
        step_of_max: Step of the first point with the largest value.
    """

    count: int
    first: Number
    last: Number
    min: Number
    max: Number
    mean: Number
    last_step: int
    step_of_min: int
    step_of_max: int


@dataclass(frozen=True, slots=True)
class Failure:
    """The exception that ended a run."""

    type: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that went wrong with recording, kept so that nobody mistakes what is missing.

    Attributes:
        code: Kind of the problem (kebab-case, documented).
        message: What happened, to which object.
        count: How often.
    """

    code: str
    message: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Resources:
    """What the run's processes used, where the operating system tells."""

    cpu_seconds: float = 0.0
    peak_memory: int = 0


@dataclass(frozen=True, slots=True)
class Reproduction:
    """That a run re-executed another one, and how it came out.

    Attributes:
        run: Id of the run that was reproduced.
        record: Record hash of that run.
        verdict: One of the six verdicts.
        reasons: What was compared and what was found, a sentence each.
    """

    run: str
    record: str
    verdict: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A file beside ``run.yaml``: its SHA-256 and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The immutable description of a finished run.

    Attributes:
        format: Number of the format.
        runref: Version of the program that wrote the record.
        id: The run id.
        status: ``finished``, ``failed`` or ``interrupted``.
        started: RFC 3339 UTC time.
        finished: RFC 3339 UTC time: `started` and `duration` together.
        duration: Seconds by a clock that never goes back.
        experiment: What the run belongs to.
        name: A short name given by the user.
        tags: Labels given at the start or by the program.
        note: Free text.
        author: ``Name <mail>`` as git knows it.
        host: Name of the machine.
        parent: Id of the run within which this one was opened.
        ranks: Processes of a distributed job that wrote series; 1 otherwise.
        command: How it was started.
        exit_status: Exit status of the command, where one was waited for.
        signal: Name of the signal that ended it.
        failure: The exception that ended it.
        params: Parameters by name.
        summary: Values the program chose to stand for the run.
        metrics: Summary of each series by name.
        code: The snapshot; none where it could not be taken (a notice says why).
        environment: ``sha256:<hex>`` of ``environment.yaml``.
        seeds: Seeds of random number generators that could be read.
        inputs: What the run read.
        outputs: What the run wrote.
        resources: CPU time and peak memory, where known.
        reproduction: The run that this one re-executed.
        notices: What could not be recorded.
        files: Digests of the files beside ``run.yaml``.
    """

    format: int = FORMAT
    runref: str
    id: str
    status: str
    started: str
    finished: str
    duration: float
    experiment: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    author: str = ""
    host: str = ""
    parent: str = ""
    ranks: int = 1
    command: Command
    exit_status: int | None = None
    signal: str = ""
    failure: Failure | None = None
    params: Mapping[str, Parameter] = field(default_factory=dict)
    summary: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, MetricSummary] = field(default_factory=dict)
    code: Code | None = None
    environment: str = ""
    seeds: Mapping[str, object] = field(default_factory=dict)
    inputs: tuple[DataFile, ...] = ()
    outputs: tuple[DataFile, ...] = ()
    resources: Resources | None = None
    reproduction: Reproduction | None = None
    notices: tuple[Notice, ...] = ()
    files: Mapping[str, FileDigest] = field(default_factory=dict)
