"""A run as conditions look at it, read from the repository where its record does not say enough."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from runref.git.objects import ObjectStore
from runref.model.record import Record
from runref.query.offered import environment_of, packages_of
from runref.store.recorded import RecordedRun, read_environment
from runref.store.trees import TREE, entry_at


class RunSubject:
    """A recorded or live run; see `runref.query.fields.Subject`.

    Of a live run the environment is not known yet: it is missing.

    Attributes:
        run: The run.
    """

    def __init__(self, run: RecordedRun, objects: ObjectStore) -> None:
        self.run = run
        self._objects = objects

    @property
    def record(self) -> Record:
        """What is recorded of it."""
        return self.run.record

    @property
    def record_hash(self) -> str:
        """Object id of its folder; empty for a live run."""
        return self.run.tree

    @property
    def name(self) -> str:
        """Its short name, later corrections included."""
        return self.run.name

    @property
    def status(self) -> str:
        """How it ended, later corrections included."""
        return self.run.status

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags, later ones included."""
        return self.run.additions.tags

    def package(self, name: str) -> str | None:
        """Return the version of a package by its normalised name."""
        return self._packages.get(name)

    def environment(self, path: str) -> object:
        """Return a value of its environment."""
        return self._environment.get(path)

    def code_file(self, path: str) -> str | None:
        """Return the object id of a file of its snapshot.

        Raises:
            ObjectMissing, ObjectDamaged: the snapshot is not whole.
        """
        code = self.run.record.code
        return code_file(self._objects, code.tree, path) if code else None

    @cached_property
    def _packages(self) -> Mapping[str, str]:
        return packages_of(self._document)

    @cached_property
    def _environment(self) -> Mapping[str, Any]:
        return environment_of(self._document)

    @cached_property
    def _document(self) -> dict[str, Any]:
        return read_environment(self._objects, self.run.tree) if self.run.tree else {}


def code_file(objects: ObjectStore, tree: str, path: str) -> str | None:
    """Return the object id of a file of a snapshot; none where there is none.

    Raises:
        ObjectMissing, ObjectDamaged: the snapshot is not whole.
    """
    entry = entry_at(objects, tree, path.split("/"))
    return entry.oid if entry is not None and entry.mode != TREE else None
