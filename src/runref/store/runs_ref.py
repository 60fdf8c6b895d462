"""The runs ref: reading its runs and adding to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from runref.errors import ExitStatus, RunrefError
from runref.git.locks import exclusive
from runref.git.objects import ObjectStore
from runref.git.repository import Repository
from runref.model.ids import run_path
from runref.model.record import FORMAT
from runref.model.tombstones import FOLDER as TOMBSTONES
from runref.store.commit_signing import CommitSigning
from runref.store.differences import RUN_DEPTH, is_run_path
from runref.store.trees import BLOB, TREE, TreeEditor, changed_below, entry_at

RUNS_REF = "refs/runref/runs"
_ATTEMPTS = 20


class UnsupportedFormat(RunrefError):
    """The runs ref was written by a later version of runref."""

    code = "unsupported-format"


class RefContended(RunrefError):
    """The runs ref kept moving while it was to be updated."""

    code = "ref-contended"


class DamagedRef(RunrefError):
    """The runs ref does not hold what its format asks for."""

    code = "damaged-ref"
    exit_status = ExitStatus.NO


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run in the ref: its id and the oid of its tree, which is its record hash."""

    id: str
    tree: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between two states of the ref.

    Attributes:
        runs: New record hash by run id; empty for a run that is gone.
        annotations: New oid of the folder of annotations by run id; empty where it is gone.
    """

    runs: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Addition:
    """One thing to add to the ref, in a commit of its own.

    Attributes:
        path: Where it goes, from the root of the tree.
        mode: Git mode of the entry.
        oid: The object, written already.
        message: The commit's message.
        time: Seconds since the epoch, for the commit.
    """

    path: tuple[str, ...]
    mode: int
    oid: str
    message: str
    time: int


def run_addition(run_id: str, tree: str, message: str, time: int) -> Addition:
    """Return the addition of a run whose tree was written."""
    return Addition(("runs", *run_path(run_id)), TREE, tree, message, time)


def annotation_addition(run_id: str, name: str, blob: str, message: str, time: int) -> Addition:
    """Return the addition of an annotation file `name` to a run."""
    return Addition(("annotations", *run_path(run_id), name), BLOB, blob, message, time)


class RunsRef:
    """The runs of one repository.

    Args:
        repository: Where they are.
        tell: Shows a message to the user: that commits could not be signed.
    """

    def __init__(
        self, repository: Repository, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self._repository = repository
        self._signing = CommitSigning(repository, tell)
        self._ref = repository.ref(RUNS_REF)
        self.lock_path: Path = repository.common_dir / "runref" / "lock"

    @property
    def repository(self) -> Repository:
        """The repository that the ref is of."""
        return self._repository

    @property
    def folder(self) -> Path:
        """The git directory, by which another process can open the same ref."""
        return self._repository.git_dir

    @property
    def objects(self) -> ObjectStore:
        """The object database that holds the runs."""
        return self._repository.objects

    def tip(self) -> str:
        """Return the newest commit; empty before the first run."""
        return self._ref.read()

    def root(self) -> str:
        """Return the root tree of the newest commit; empty before the first run.

        Raises:
            UnsupportedFormat: a later version of runref wrote it.
            DamagedRef: it names no format.
        """
        return self.root_of(self.tip())

    def root_of(self, commit: str) -> str:
        """Return the root tree of a commit of the ref; empty where `commit` is.

        Raises:
            UnsupportedFormat, DamagedRef: as for `root`.
        """
        if not commit:
            return ""
        root = self.objects.read_commit(commit).tree
        check_format(self.objects, root)
        return root

    def runs(self) -> Iterator[StoredRun]:
        """Yield every run, newest day first; within a day by id."""
        for run_id, tree in self._changed("", self.root(), "runs").items():
            yield StoredRun(run_id, tree)

    def changes(self, old_root: str, new_root: str) -> Changes:
        """Return what differs between two root trees; an empty one holds nothing."""
        return Changes(
            runs=self._changed(old_root, new_root, "runs"),
            annotations=self._changed(old_root, new_root, "annotations"),
        )

    def find(self, run_id: str) -> StoredRun | None:
        """Return the run with exactly this id, or none."""
        oid = self._oid_at(self.root(), "runs", *run_path(run_id))
        return StoredRun(run_id, oid) if oid else None

    def annotation_files(self, run_id: str, root: str | None = None) -> dict[str, bytes]:
        """Return the annotations of a run, by file name.

        Args:
            run_id: The run.
            root: Root tree in which to look; none: the newest.
        """
        root = self.root() if root is None else root
        tree = self._oid_at(root, "annotations", *run_path(run_id))
        return {
            each.name.decode("utf-8", "replace"): self.objects.read_blob(each.oid)
            for each in (self.objects.read_tree(tree) if tree else ())
        }

    def added_by(self, commit: str) -> list[StoredRun]:
        """Return the runs that `commit` added, compared with its first parent."""
        made = self.objects.read_commit(commit)
        parent = self.objects.read_commit(made.parents[0]).tree if made.parents else ""
        runs = self._changed(parent, made.tree, "runs")
        return [StoredRun(run_id, tree) for run_id, tree in runs.items() if tree]

    def append(self, additions: Sequence[Addition], *, reason: str) -> str:
        """Add to the ref: one commit for each addition, one compare-and-swap for all.

        What the ref holds already is passed over, so repeating an addition is harmless; so is what
        belongs to a run that was forgotten. The caller holds `lock`.

        Args:
            additions: What to add, in order.
            reason: What the reflog says.

        Returns:
            The new tip, or the old one where nothing was missing.

        Raises:
            RefContended: others moved the ref every time.
        """
        for _ in range(_ATTEMPTS):
            tip = self.tip()
            commit = self.extend(tip, additions)
            if commit == tip or self.move(tip, commit, reason=reason):
                return commit
        raise RefContended(
            f"{RUNS_REF} moved {_ATTEMPTS} times while it was to be updated",
            hint="Nothing is lost: `runref recover` records the waiting runs.",
        )

    def extend(self, tip: str, additions: Sequence[Addition]) -> str:
        """Write a commit for each addition on top of `tip`, and return the last; no ref moves.

        What `tip` holds already is passed over.
        """
        self._signing.begin()
        with self.objects.batch():
            return self._chain(tip, additions)

    def commit(self, tree: str, parents: Sequence[str], *, message: str, time: int) -> str:
        """Write a commit with a root tree of the ref's format; no ref moves.

        It is signed where git is set to sign commits and the key can be used.
        """
        return self.objects.write_commit(
            tree=tree,
            parents=parents,
            identity=self._repository.identity(),
            time=time,
            message=message,
            signer=self._signing.signed,
        )

    def move(self, old: str, new: str, *, reason: str) -> bool:
        """Let the ref name `new`, unless it is not `old` any more; the caller holds `lock`.

        Args:
            old: What it must be; empty: it must not exist.
            new: A commit that was written.
            reason: What the reflog says.
        """
        return self._ref.compare_and_swap(old, new, message=reason)

    def lock(self, wait: float) -> AbstractContextManager[None]:
        """Return a context manager that keeps other writers of the ref out.

        Args:
            wait: Seconds to wait for another one; 0 tries once.
        """
        return exclusive(self.lock_path, wait=wait, sharing=self._repository.sharing)

    def _changed(self, old_root: str, new_root: str, folder: str) -> dict[str, str]:
        old, new = self._oid_at(old_root, folder), self._oid_at(new_root, folder)
        changed = changed_below(self.objects, old, new, RUN_DEPTH)
        return {path[-1]: oid for path, _, oid in changed if is_run_path(path)}

    def _oid_at(self, root: str, *path: str) -> str:
        entry = entry_at(self.objects, root, path) if root else None
        return entry.oid if entry else ""

    def _chain(self, tip: str, additions: Sequence[Addition]) -> str:
        editor = TreeEditor(self.objects)
        root = self.root_of(tip)
        if not root:
            blob = self.objects.write_blob(f"runref {FORMAT}\n".encode())
            root = editor.insert("", ("FORMAT",), BLOB, blob)
        for each in additions:
            folder, *run = each.path[: 1 + RUN_DEPTH]
            if editor.holds(root, each.path):
                continue  # a file of the ref is written once
            if folder != TOMBSTONES and editor.holds(root, (TOMBSTONES, *run)):
                continue  # the run was forgotten meanwhile
            root = editor.insert(root, each.path, each.mode, each.oid)
            parents = [tip] if tip else []
            tip = self.commit(root, parents, message=each.message, time=each.time)
        return tip


def check_format(objects: ObjectStore, root: str) -> None:
    """Refuse a root tree of a format that this version cannot read.

    Raises:
        UnsupportedFormat: a later version of runref wrote it.
        DamagedRef: it names no format.
    """
    entry = entry_at(objects, root, ("FORMAT",))
    match = re.fullmatch(rb"runref (\d+)\n?", objects.read_blob(entry.oid)) if entry else None
    if match is None:
        raise DamagedRef(
            f"{RUNS_REF} holds no FORMAT file of runref",
            hint="`runref doctor` tells more; is the ref used by another program?",
        )
    if int(match[1]) > FORMAT:
        raise UnsupportedFormat(
            f"{RUNS_REF} is of format {int(match[1])}; this runref reads up to {FORMAT}",
            hint="Install a newer runref: `pip install -U runref`.",
        )
