"""Taking a snapshot: survey, examination, trees, comparison, cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from runref.capture.snapshot.comparison import compare
from runref.capture.snapshot.content import Examiner, SnapshotRules
from runref.capture.snapshot.scope import Scope
from runref.capture.snapshot.stat_cache import CachedFile, Memory, Stamp, StatCache
from runref.capture.snapshot.survey import Survey, Unsettled
from runref.capture.snapshot.trees import Trees
from runref.git.discovery import NotARepository
from runref.git.format import GITLINK
from runref.git.sweep_mark import sweep_mark
from runref.model.record import Code, LeftOut
from runref.model.snapshot_manifest import join_lines, manifest_digest, manifest_line

if TYPE_CHECKING:
    from runref.git.repository import Repository

_NO_ENVIRON: Mapping[str, str] = MappingProxyType({})


def take_snapshot(
    repository: Repository,
    root: Path,
    rules: SnapshotRules,
    *,
    cache_dir: Path,
    environ: Mapping[str, str] = _NO_ENVIRON,
    own_folders: Sequence[Path] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> Code:
    """Write the working tree, as it is now, into a repository as a git tree.

    Tracked files with their edits and untracked files that git does not ignore, byte for byte as
    they lie there; submodules and other repositories inside as plain folders. The user's index,
    stash, refs and files are only read.

    Args:
        repository: Where to write; it need not be the one that the code belongs to.
        root: The whole working tree, or a folder that is no git checkout at all.
        rules: What may go in.
        cache_dir: Where the stat caches lie.
        environ: Environment variables that git heeds, for the repositories found.
        own_folders: Further folders of runref's own, which may lie in the working tree; of what is
            in them only the files that git tracks are taken.
        on_progress: Called with how many of how many new or changed files have been read.

    Returns:
        The snapshot. The tree is stored, but no ref names it yet: ``git gc`` keeps it for two
        weeks.

    Raises:
        WorkingTreeUnreadable: The root itself cannot be listed.
        CannotWrite: The repository cannot be written.
        RunrefError: The index, or a repository inside, cannot be read.
    """
    top = Path(os.path.realpath(root))
    maker = _Maker(repository, top, rules, cache_dir, environ=environ, own_folders=own_folders)
    return maker.make(on_progress)


class _Maker:
    """Makes one snapshot."""

    def __init__(
        self,
        repository: Repository,
        root: Path,
        rules: SnapshotRules,
        cache_dir: Path,
        *,
        environ: Mapping[str, str],
        own_folders: Sequence[Path],
    ) -> None:
        self._objects = repository.objects
        self._root = os.fsencode(root)
        self._environ = environ
        self._examiner = Examiner(repository.objects, self._root, rules)
        self._top = self._top_scope(repository, root)
        self._own_folders = [
            os.fsencode(os.path.realpath(folder))
            for folder in (repository.common_dir, cache_dir, *own_folders)
        ]
        self._cache = StatCache(
            cache_dir,
            place=self._root + b"\0" + os.fsencode(repository.common_dir),
            settings=repr(
                (
                    rules,
                    repository.object_format,
                    self._own_folders,
                    repository.config("core", "autocrlf"),
                    sweep_mark(repository.common_dir),  # what it knows may have been freed since
                )
            ),
        )
        self._memory = self._cache.load()
        # What the cache says is in the repository may have been pruned, or never got there.
        if self._memory.trees and not self._objects.contains(self._memory.trees[b""]):
            self._memory = Memory()

    def _top_scope(self, repository: Repository, root: Path) -> Scope:
        if repository.root is not None and os.path.realpath(repository.root) == str(root):
            return Scope(b"", self._root, repository)
        own = self._open(root) if (root / ".git").exists() else None
        # info/exclude belongs to that other repository, but the user's own rules hold everywhere.
        return Scope(b"", self._root, own, personal_excludes=repository.excludes()[1:])

    def _open(self, path: Path) -> Repository | None:
        from runref.git.repository import Repository

        try:
            return Repository.open(path, environ=self._environ)
        except NotARepository:
            return None

    def _open_nested(self, around: Scope, folder: bytes, linked: str) -> Scope | None:
        path = self._root + b"/" + folder[:-1]
        repository = self._open(Path(os.fsdecode(path)))
        if repository is None:
            return None
        return Scope(folder, path, repository, around=around, linked=linked)

    def make(self, on_progress: Callable[[int, int], None] | None) -> Code:
        survey = self._survey()
        with self._objects.batch():
            self._examine(survey, on_progress)
            memory = self._remember(survey)
        self._objects.freshen(memory.trees[b""])
        if memory is not self._memory:
            # Without its cache the next snapshot takes longer; nothing else is lost.
            with suppress(OSError):
                self._cache.save(memory)
        return self._code(memory, survey.lost)

    def _survey(self) -> Survey:
        settled = bool(self._memory.rules) and all(
            rule.holds(path) for path, rule in self._memory.rules.items()
        )
        if settled:
            with suppress(Unsettled):
                return self._walk(settled=True)
        survey = self._walk(settled=False)
        if self._memory.files and not _same_attributes(survey.rules, self._memory.rules):
            # Which files are pointers may have changed, so what is known of them is worth nothing.
            self._memory = Memory()
            survey = self._walk(settled=False)
        return survey

    def _walk(self, *, settled: bool) -> Survey:
        survey = Survey(
            self._top,
            self._memory,
            settled=settled,
            open_nested=self._open_nested,
            own_folders=self._own_folders,
        )
        survey.run()
        return survey

    def _examine(self, survey: Survey, on_progress: Callable[[int, int], None] | None) -> None:
        total = len(survey.fresh)
        for done, file in enumerate(survey.fresh, 1):
            found = self._examiner.examine(file)
            if isinstance(found, LeftOut):
                survey.lost[file.path] = found
            else:
                survey.files[file.path] = found
            if on_progress is not None:
                on_progress(done, total)

    def _remember(self, survey: Survey) -> Memory:
        """Write the trees, and put together what this snapshot knows.

        Returns:
            What the last snapshot left, if nothing at all has changed.
        """
        last = self._memory
        heads = {scope.folder: scope.head.commit for scope in survey.scopes}
        changed = _changed(last, survey)
        trees, manifest = last.trees, last.manifest
        differences = last.differences
        if changed or not trees or heads != last.heads or not survey.settled or survey.lost:
            built = Trees(survey.files, survey.absent)
            built.write(self._objects, last.trees, changed)
            if changed or not trees:
                manifest = _manifest(survey)
            trees = built.oids
            differences = compare(survey.scopes, built, survey.files, survey.lost)
        elif not survey.fresh and survey.ignored == last.ignored:
            return last
        return Memory(
            survey.files,
            survey.folders,
            survey.ignored,
            survey.hidden,
            survey.links,
            survey.absent,
            survey.rules,
            trees,
            manifest,
            heads,
            differences,
        )

    def _code(self, memory: Memory, lost: Mapping[bytes, LeftOut]) -> Code:
        left_out = [
            LeftOut(os.fsdecode(path), file.size, file.reason, file.detail)
            for path, file in memory.files.items()
            if file.reason
        ]
        head = self._top.head
        return Code(
            tree=memory.trees[b""],
            manifest=memory.manifest,
            files=sum(1 for file in memory.files.values() if file.oid),
            commit=head.commit,
            branch=head.branch,
            edited=memory.differences.edited,
            untracked=memory.differences.untracked,
            deleted=memory.differences.deleted,
            left_out=tuple(sorted([*left_out, *lost.values()], key=lambda file: file.path)),
            submodules=memory.differences.submodules,
        )


def _changed(last: Memory, survey: Survey) -> set[bytes]:
    """Paths whose entry in the snapshot is not the one in the last snapshot."""
    changed = last.files.keys() - survey.files.keys() if _may_lack(last, survey) else set()
    for file in survey.fresh:
        was, now = last.files.get(file.path), survey.files.get(file.path)
        if _entry(was) != _entry(now):
            changed.add(file.path)
    # A folder's own name without the slash, as that of a file.
    changed |= {folder[:-1] for folder, _ in last.absent.items() ^ survey.absent.items()}
    return changed


def _may_lack(last: Memory, survey: Survey) -> bool:
    return bool(survey.fresh) or len(survey.files) != len(last.files)


def _entry(file: CachedFile | None) -> tuple[str, int]:
    return (file.oid, file.git_mode) if file is not None and file.oid else ("", 0)


def _manifest(survey: Survey) -> str:
    lines = [
        (path, manifest_line(path, file.git_mode, file.digest, file.length))
        for path, file in survey.files.items()
        if file.oid
    ]
    for folder, commit in survey.absent.items():
        lines.append((folder[:-1], manifest_line(folder[:-1], GITLINK, commit, 0)))
    return manifest_digest(join_lines(lines))


def _same_attributes(rules: Mapping[bytes, Stamp], others: Mapping[bytes, Stamp]) -> bool:
    def attributes(stamps: Mapping[bytes, Stamp]) -> dict[bytes, Stamp]:
        return {path: rule for path, rule in stamps.items() if path.endswith(b"attributes")}

    return attributes(rules) == attributes(others)
