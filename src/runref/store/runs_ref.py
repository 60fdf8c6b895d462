"""The runs ref: reading its runs and adding to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from runref.errors import ExitStatus, RunrefError
from runref.git.locks import exclusive
from runref.git.objects import ObjectStore
from runref.git.repository import Repository
from runref.model.ids import is_run_id, run_path
from runref.model.record import FORMAT
from runref.store.trees import BLOB, TREE, TreeEditor, changed_below, entry_at

RUNS_REF = "refs/runref/runs"
_RUN_DEPTH = 4  # runs/YYYY-MM/DD/h/<id>: four levels below runs/
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
    """The runs of one repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._ref = repository.ref(RUNS_REF)
        self.lock_path: Path = repository.common_dir / "runref" / "lock"

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
        tip = self.tip()
        if not tip:
            return ""
        root = self.objects.read_commit(tip).tree
        check_format(self.objects, root)
        return root

    def runs(self) -> Iterator[StoredRun]:
        """Yield every run, newest day first; within a day by id."""
        root = self.root()
        for path, _, tree in changed_below(self.objects, "", self._below(root, "runs"), _RUN_DEPTH):
            if is_run_id(path[-1]):
                yield StoredRun(path[-1], tree)

    def changes(self, old_root: str, new_root: str) -> tuple[list[tuple[str, str]], set[str]]:
        """Return what differs between two root trees.

        Returns:
            The runs as ``(id, record hash)``, with an empty hash for a run that is gone, and the
            ids of the runs whose annotations differ.
        """
        objects = self.objects
        runs = [
            (path[-1], new)
            for path, _, new in changed_below(
                objects, self._below(old_root, "runs"), self._below(new_root, "runs"), _RUN_DEPTH
            )
            if is_run_id(path[-1])
        ]
        annotated = {
            path[-1]
            for path, _, _ in changed_below(
                objects,
                self._below(old_root, "annotations"),
                self._below(new_root, "annotations"),
                _RUN_DEPTH,
            )
        }
        return runs, annotated

    def find(self, run_id: str) -> StoredRun | None:
        """Return the run with exactly this id, or none."""
        root = self.root()
        entry = entry_at(self.objects, root, ("runs", *run_path(run_id))) if root else None
        return StoredRun(run_id, entry.oid) if entry else None

    def annotation_files(self, run_id: str) -> dict[str, bytes]:
        """Return the annotations of a run, by file name."""
        root = self.root()
        path = ("annotations", *run_path(run_id))
        entry = entry_at(self.objects, root, path) if root else None
        if entry is None:
            return {}
        return {
            each.name.decode("utf-8", "replace"): self.objects.read_blob(each.oid)
            for each in self.objects.read_tree(entry.oid)
        }

    def added_by(self, commit: str) -> list[StoredRun]:
        """Return the runs that `commit` added, compared with its first parent."""
        made = self.objects.read_commit(commit)
        parent = self.objects.read_commit(made.parents[0]).tree if made.parents else ""
        runs, _ = self.changes(parent, made.tree)
        return [StoredRun(run_id, tree) for run_id, tree in runs if tree]

    def append(self, additions: Sequence[Addition], *, reason: str) -> str:
        """Add to the ref: one commit for each addition, one compare-and-swap for all.

        What the ref holds already is passed over, so repeating an addition is harmless. The
        caller holds `lock`.

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
            with self.objects.batch():
                commit = self._chain(tip, additions)
            if commit == tip or self._ref.compare_and_swap(tip, commit, message=reason):
                return commit
        raise RefContended(
            f"{RUNS_REF} moved {_ATTEMPTS} times while it was to be updated",
            hint="Nothing is lost: `runref recover` records the waiting runs.",
        )

    def lock(self, wait: float) -> AbstractContextManager[None]:
        """Return a context manager that keeps other writers of the ref out."""
        self.lock_path.parent.mkdir(parents=True, exist_ok=True)
        return exclusive(self.lock_path, wait=wait)

    def _below(self, root: str, name: str) -> str:
        entry = entry_at(self.objects, root, (name,)) if root else None
        return entry.oid if entry else ""

    def _chain(self, tip: str, additions: Sequence[Addition]) -> str:
        editor = TreeEditor(self.objects)
        identity = self._repository.identity()
        root = self.root()
        if not root:
            blob = self.objects.write_blob(f"runref {FORMAT}\n".encode())
            root = editor.insert("", ("FORMAT",), BLOB, blob)
        for each in additions:
            if editor.holds(root, each.path):
                continue  # a file of the ref is written once
            root = editor.insert(root, each.path, each.mode, each.oid)
            tip = self.objects.write_commit(
                tree=root,
                parents=[tip] if tip else [],
                identity=identity,
                time=each.time,
                message=each.message,
            )
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
