"""The walk over a working tree: which files belong to the snapshot, and which have changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from typing import NamedTuple

from runref.capture.snapshot.paths import folders_of
from runref.capture.snapshot.scope import Scope
from runref.capture.snapshot.stat_cache import CachedFile, Memory, Stamp, stamp, stamp_at
from runref.errors import RunrefError
from runref.git.format import GITLINK
from runref.git.refused_names import refused
from runref.model.record import LeftOut

_RULE_FILES = frozenset({b".gitignore", b".gitattributes"})


class WorkingTreeUnreadable(RunrefError):
    """The folder that the snapshot is of is gone, or nobody may list it."""

    code = "working-tree-unreadable"

    def __init__(self, root: bytes, problem: OSError) -> None:
        super().__init__(
            f"cannot take a snapshot of {os.fsdecode(root)}: {problem.strerror or problem}",
            hint="start the run in a folder that exists and that you may read",
        )


class Unsettled(Exception):
    """The rules are not those of the last snapshot, so nothing it decided can be relied on."""


class Fresh(NamedTuple):
    """A file to be looked at, as it is new, changed, or depends on the index.

    Attributes:
        path: Relative to the root.
        status: As found.
        scope: The repository that rules it.
        tracked: Whether git tracks it.
        known: What the last snapshot knew of this very content, if it did.
    """

    path: bytes
    status: os.stat_result
    scope: Scope
    tracked: bool
    known: CachedFile | None


class Survey:
    """One pass over a working tree.

    Attributes:
        files: Files that are as the last snapshot saw them.
        fresh: Files to be looked at.
        lost: What could not be looked at, and why.
        folders: Folders that were entered, with a trailing slash.
        ignored: Files that git ignores, and folders (with a trailing slash) that it ignores or that
            are runref's own.
        hidden: Tracked files below ignored folders.
        links: Folders of submodules and the commits the index has for them.
        absent: Those of them that are not checked out: their entry itself is in the snapshot.
        rules: Stamps of the files that decide what belongs.
        scopes: The repositories found, the one of the whole first.
        settled: Which files belong was known beforehand.
    """

    def __init__(
        self,
        top: Scope,
        memory: Memory,
        *,
        settled: bool,
        open_nested: Callable[[Scope, bytes, str], Scope | None],
        own_folders: Iterable[bytes],
    ) -> None:
        """Prepare a walk.

        Args:
            top: The whole working tree.
            memory: What the last snapshot left.
            settled: The rules are still the same: which files belong is known for all that the
                last snapshot saw.
            open_nested: Finds out whether a folder is a repository of its own, given the scope
                around it, the folder, and the commit where it is a submodule.
            own_folders: Folders, absolute, that count as ignored: runref's own.
        """
        self.files: dict[bytes, CachedFile] = {}
        self.fresh: list[Fresh] = []
        self.lost: dict[bytes, LeftOut] = {}
        self.folders: set[bytes] = set()
        self.ignored: set[bytes] = set()
        self.hidden: list[bytes] = []
        self.links: dict[bytes, str] = {}
        self.absent: dict[bytes, str] = {}
        self.rules: dict[bytes, Stamp] = {}
        self.scopes: list[Scope] = []
        self._root = top.path + b"/"
        self._memory = memory
        self.settled = settled
        self._decided = memory if settled else Memory()
        self._open_nested = open_nested
        self._own_folders = frozenset(own_folders)
        self._pending: list[tuple[Scope, bytes]] = []
        self._begin(top)

    def run(self) -> None:
        """Walk.

        Raises:
            Unsettled: It was taken for settled and is not.
        """
        self._pending.append((self.scopes[0], b""))
        self._walk()
        if self.settled:
            self.rules = self._memory.rules
            for path in self._memory.hidden:
                self._visit_hidden(self._scope_for(path), path)
        else:
            # A submodule in an ignored folder is found while this goes on.
            for scope in self.scopes:
                self._find_hidden(scope)

    def _walk(self) -> None:
        while self._pending:
            self._enter(*self._pending.pop())

    def _scope_for(self, path: bytes) -> Scope:
        inside = (scope for scope in self.scopes if path.startswith(scope.folder))
        return max(inside, key=lambda scope: len(scope.folder))

    def _begin(self, scope: Scope) -> None:
        self.scopes.append(scope)
        for path in scope.rule_files:
            if not self.settled:
                self.rules[path] = stamp_at(path)
            elif path not in self._memory.rules:
                raise Unsettled

    def _enter(self, scope: Scope, folder: bytes) -> None:
        self.folders.add(folder)
        try:
            with os.scandir(self._root + folder) as listing:
                entries = list(listing)
        except OSError as problem:
            if not folder:
                raise WorkingTreeUnreadable(self._root, problem) from problem
            self._lose(folder, problem)
            return
        if folder != scope.folder:
            scope = self._scope_of(scope, folder, entries)
        decided, folders, ignored = (
            self._decided.files,
            self._decided.folders,
            self._decided.ignored,
        )
        for entry in entries:
            path = folder + entry.name
            known = decided.get(path)
            try:
                if known is not None and known.is_still(entry.stat(follow_symlinks=False)):
                    self.files[path] = known
                elif entry.is_dir(follow_symlinks=False):
                    if path + b"/" in folders:
                        self._pending.append((scope, path + b"/"))
                    else:
                        self._consider_folder(scope, folder, entry.name)
                elif path in ignored:
                    self.ignored.add(path)
                else:
                    self._consider_file(scope, folder, entry)
            except OSError as problem:
                self._lose(path, problem)

    def _scope_of(self, scope: Scope, folder: bytes, entries: list[os.DirEntry[bytes]]) -> Scope:
        """The repository that rules a folder: the one around it, or one that begins here."""
        link = self._link(scope, folder)
        if link:
            self.links[folder] = link
            if not entries:
                self.absent[folder] = link
        if any(entry.name == b".git" for entry in entries):
            nested = self._open_nested(scope, folder, link)
            if nested is not None:
                self._begin(nested)
                return nested
        return scope

    def _link(self, scope: Scope, folder: bytes) -> str:
        if self.settled:
            return self._memory.links.get(folder, "")
        indexed = scope.indexed(folder[:-1])
        return indexed.oid if indexed is not None and indexed.mode == GITLINK else ""

    def _consider_folder(self, scope: Scope, folder: bytes, name: bytes) -> None:
        path = folder + name + b"/"
        if name == b".git":
            return
        if self._root + folder + name in self._own_folders:
            self.ignored.add(path)
        elif refused(name, is_regular=False):
            self.lost[path] = LeftOut(os.fsdecode(path), 0, "name", "git refuses this name")
        elif not self._link(scope, path) and scope.ignores(folder, name, is_folder=True):
            self.ignored.add(path)
        else:
            self._pending.append((scope, path))

    def _consider_file(self, scope: Scope, folder: bytes, entry: os.DirEntry[bytes]) -> None:
        name, path = entry.name, folder + entry.name
        if name == b".git":
            return
        if name in _RULE_FILES:
            if self.settled:
                raise Unsettled
            self.rules[self._root + path] = stamp(entry.stat(follow_symlinks=False))
        was = self._decided.files.get(path)
        tracked = was.tracked if was is not None else scope.indexed(path) is not None
        if was is None and not tracked and scope.ignores(folder, name, is_folder=False):
            self.ignored.add(path)
        else:
            self._add(scope, path, entry.stat(follow_symlinks=False), tracked=tracked)

    def _add(self, scope: Scope, path: bytes, status: os.stat_result, *, tracked: bool) -> None:
        known = self._memory.files.get(path)
        if known is not None and not known.is_still(status):
            known = None
        if known is not None and self._still_decided(scope, path, known, tracked=tracked):
            self.files[path] = known._replace(tracked=tracked)
        else:
            self.fresh.append(Fresh(path, status, scope, tracked, known))

    def _still_decided(
        self, scope: Scope, path: bytes, known: CachedFile, *, tracked: bool
    ) -> bool:
        """Whether what was decided for an unchanged file holds with today's index."""
        if self.settled:
            return True
        if not scope.keeps_exec_bit:
            return False
        if known.plain:
            return True
        indexed = scope.indexed(path) if tracked else None
        if known.reason or indexed is None:
            return False
        return indexed.oid in (known.oid, known.git_oid)

    def _find_hidden(self, scope: Scope) -> None:
        """Find the tracked files that lie in ignored folders: git has them, so they belong."""
        if not any(path.endswith(b"/") for path in self.ignored):
            return
        seen = self.files.keys() | {fresh.path for fresh in self.fresh}
        for path in scope.tracked:
            whole = scope.folder + path
            if whole not in seen and whole + b"/" not in self.folders and self._is_below(whole):
                self._visit_hidden(scope, whole)

    def _is_below(self, path: bytes) -> bool:
        """Whether a path lies in an ignored folder."""
        return any(folder in self.ignored for folder in folders_of(path))

    def _visit_hidden(self, scope: Scope, path: bytes) -> None:
        self.hidden.append(path)
        try:
            for folder in folders_of(path):
                if stat.S_ISLNK(os.lstat(self._root + folder[:-1]).st_mode):
                    return
            status = os.lstat(self._root + path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as problem:
            self._lose(path, problem)
            return
        if not stat.S_ISDIR(status.st_mode):
            self._add(scope, path, status, tracked=True)
        elif self._link(scope, path + b"/"):
            self._pending.append((scope, path + b"/"))
            self._walk()

    def _lose(self, path: bytes, problem: OSError) -> None:
        gone = isinstance(problem, (FileNotFoundError, NotADirectoryError))
        reason = "vanished" if gone else "unreadable"
        self.lost[path] = LeftOut(os.fsdecode(path), 0, reason, problem.strerror or "")
