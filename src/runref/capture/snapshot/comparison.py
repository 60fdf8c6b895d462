"""What in a snapshot differs from the commits that are checked out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runref.capture.snapshot.paths import folders_of
from runref.model.record import Submodule

if TYPE_CHECKING:
    from runref.capture.snapshot.scope import Scope
    from runref.capture.snapshot.stat_cache import CachedFile
    from runref.capture.snapshot.trees import Trees
    from runref.git.objects import TreeEntry
    from runref.model.record import LeftOut


@dataclass(frozen=True, slots=True)
class Differences:
    """What `Code` says about the state of the working tree.

    Attributes:
        edited: Tracked files, and submodules, that differ from the commit or are new in it.
        untracked: Files of the snapshot that git does not track.
        deleted: Files of the commit that are gone.
        submodules: All repositories inside whose files are in the snapshot.
    """

    edited: int = 0
    untracked: int = 0
    deleted: int = 0
    submodules: tuple[Submodule, ...] = ()


def compare(
    scopes: Sequence[Scope],
    trees: Trees,
    files: Mapping[bytes, CachedFile],
    lost: Mapping[bytes, LeftOut],
) -> Differences:
    """Compare a snapshot with what is checked out.

    Args:
        scopes: The whole working tree first, then the repositories inside.
        trees: Of the snapshot.
        files: All files found, those that are left out as well.
        lost: Files and folders that could not be looked at.
    """
    nested: dict[bytes, _Nested] = {}
    submodules: list[Submodule] = []
    # A repository inside is compared before the one around it.
    *inside, whole = sorted(scopes, key=lambda scope: -len(scope.folder))
    for scope in inside:
        found = _Comparison(scope, trees, files, lost, nested)
        commit = scope.head.commit
        differs = bool(found.edited or found.deleted or _count_untracked(scope, scopes, files))
        nested[scope.folder] = _Nested(commit, bool(scope.linked), differs)
        moved = bool(scope.linked) and scope.linked != commit
        path = os.fsdecode(scope.folder[:-1])
        submodules.append(Submodule(path, commit, scope.url, differs or moved))
    submodules.sort(key=lambda submodule: submodule.path)
    found = _Comparison(whole, trees, files, lost, nested)
    untracked = _count_untracked(whole, scopes, files)
    return Differences(found.edited, untracked, found.deleted, tuple(submodules))


def _count_untracked(
    scope: Scope, scopes: Sequence[Scope], files: Mapping[bytes, CachedFile]
) -> int:
    inside = [other for other in scopes if other.around is scope]
    nested = tuple(other.folder for other in inside)
    # To git, a repository that is no submodule is an untracked folder.
    foreign = tuple(other.folder for other in inside if not other.linked)
    return sum(
        path.startswith(foreign) if path.startswith(nested) else not file.tracked
        for path, file in files.items()
        if file.oid and path.startswith(scope.folder)
    )


@dataclass(frozen=True, slots=True)
class _Nested:
    """A repository inside another one.

    Attributes:
        commit: What is checked out in it.
        linked: Whether it is a submodule of the one around it.
        changed: Whether its files are not those of that commit.
    """

    commit: str
    linked: bool
    changed: bool


class _Comparison:
    """What differs between the commit that is checked out in a scope, and the snapshot.

    Attributes:
        edited: Tracked files, and submodules, whose content or mode differs, or that are new.
        deleted: Files of the commit that are gone.
    """

    def __init__(
        self,
        scope: Scope,
        trees: Trees,
        files: Mapping[bytes, CachedFile],
        lost: Mapping[bytes, LeftOut],
        nested: Mapping[bytes, _Nested],
    ) -> None:
        self.edited = 0
        self.deleted = 0
        self._scope = scope
        self._trees = trees
        self._files = files
        self._lost = lost
        self._nested = nested
        repository = scope.repository
        if repository is not None:
            self._objects = repository.objects
            commit = scope.head.commit
            self._folder(self._objects.read_commit(commit).tree if commit else "", scope.folder)

    def _folder(self, tree: str, folder: bytes) -> None:
        if tree == self._trees.oids.get(folder, ""):
            return
        theirs = {entry.name: entry for entry in self._objects.read_tree(tree)} if tree else {}
        ours = {entry.name: entry for entry in self._trees.entries(folder)}
        for name in theirs.keys() | ours.keys():
            old, new = theirs.get(name), ours.get(name)
            if old != new:
                self._entry(folder + name, old, new)

    def _entry(self, path: bytes, old: TreeEntry | None, new: TreeEntry | None) -> None:
        nested = self._nested.get(path + b"/")
        if nested is not None and nested.linked:
            self.edited += nested.changed or old is None or old.oid != nested.commit
            return
        if nested is None and ((old and old.is_tree) or (new and new.is_tree)):
            self._folder(old.oid if old and old.is_tree else "", path + b"/")
        was_file = old is not None and not old.is_tree
        is_file = new is not None and not new.is_tree
        if was_file and not is_file:
            self._gone(path)
        elif is_file and not self._is_converted(path, old, new):
            self.edited += was_file or self._is_tracked(path)

    def _is_converted(self, path: bytes, old: TreeEntry | None, new: TreeEntry | None) -> bool:
        """Whether all that differs are line endings, which git converts."""
        file = self._files.get(path)
        if file is None or old is None or new is None:
            return False
        return (file.git_mode, file.git_oid) == (old.mode, old.oid)

    def _gone(self, path: bytes) -> None:
        indexed = self._scope.indexed(path)
        if path in self._files:
            self.edited += 1
        elif not (
            path in self._lost
            or any(folder in self._lost for folder in folders_of(path))
            # Left out of a sparse checkout on purpose.
            or (indexed is not None and indexed.skip_worktree)
        ):
            self.deleted += 1

    def _is_tracked(self, path: bytes) -> bool:
        file = self._files.get(path)
        return file is None or file.tracked
