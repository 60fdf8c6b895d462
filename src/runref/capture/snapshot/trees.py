"""The git trees of a snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from runref.capture.snapshot.paths import folders_of
from runref.git.format import GITLINK, TREE, TreeEntry

if TYPE_CHECKING:
    from runref.capture.snapshot.stat_cache import CachedFile
    from runref.git.objects import ObjectStore


class Trees:
    """The folders of a snapshot as git trees.

    Attributes:
        oids: The tree of each folder, by path with a trailing slash; the root under the empty one.
    """

    def __init__(self, files: Mapping[bytes, CachedFile], links: Mapping[bytes, str]) -> None:
        self._files: defaultdict[bytes, list[TreeEntry]] = defaultdict(list)
        for path, file in files.items():
            if file.oid:
                cut = path.rfind(b"/") + 1
                self._files[path[:cut]].append(TreeEntry(path[cut:], file.git_mode, file.oid))
        for folder, commit in links.items():
            above, name = _split(folder)
            self._files[above].append(TreeEntry(name, GITLINK, commit))
        self._folders: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for below in {above for folder in self._files for above in folders_of(folder)}:
            self._folders[_split(below)[0]].append(below)
        self.oids: dict[bytes, str] = {}

    def write(
        self, objects: ObjectStore, unchanged: Mapping[bytes, str], changed: Iterable[bytes]
    ) -> str:
        """Write the trees that the repository does not have, and return the root's.

        Args:
            objects: Where to.
            unchanged: Trees of the last snapshot, which the repository has.
            changed: Paths of what is not as in the last snapshot.
        """
        stale = {folder for path in changed for folder in folders_of(path)} | {b""}
        # The deepest first, as a tree holds the names of those below it.
        by_depth = sorted({b"", *self._files, *self._folders}, key=lambda f: -f.count(b"/"))
        for folder in by_depth:
            known = None if folder in stale else unchanged.get(folder)
            self.oids[folder] = known or objects.write_tree(self.entries(folder))
        return self.oids[b""]

    def entries(self, folder: bytes) -> list[TreeEntry]:
        """What a folder holds; its trees must have been written."""
        return self._files.get(folder, []) + [
            TreeEntry(_split(below)[1], TREE, self.oids[below])
            for below in self._folders.get(folder, ())
        ]


def _split(folder: bytes) -> tuple[bytes, bytes]:
    cut = folder.rfind(b"/", 0, -1) + 1
    return folder[:cut], folder[cut:-1]
