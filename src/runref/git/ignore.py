"""Which untracked files git ignores: ``.gitignore``, ``info/exclude`` and ``core.excludesFile``.

``dulwich.ignore`` is not used: it decides about a folder with the rules inside that folder (a
``.gitignore`` of ``**/`` in ``a/`` makes it drop the files of ``a/``, git keeps them), needs UTF-8
names, and takes 10 to 24 us for a file. ``tests/git/test_ignore.py`` holds both against git.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from runref.git.patterns import PatternList


class IgnoreRules:
    """Decides, for one working tree, which untracked files and folders git ignores.

    The caller walks from the top and does not enter ignored folders, as git does; so a decision
    about an entry never needs one about its parents.
    """

    def __init__(
        self, root: bytes, outside: Sequence[bytes] = (), *, ignore_case: bool = False
    ) -> None:
        """Read the rules of a working tree.

        Args:
            root: The working tree.
            outside: Ignore files that rule the whole tree, the strongest first
                (``info/exclude``, then ``core.excludesFile``); they need not exist.
            ignore_case: git's ``core.ignoreCase``.
        """
        self._root = root
        self._ignore_case = ignore_case
        self._outside = [
            PatternList(content, ignore_case=ignore_case)
            for content in map(read_outside, outside)
            if content is not None
        ]
        self._chains: dict[bytes, tuple[tuple[int, PatternList], ...]] = {}

    def ignored(self, folder: bytes, name: bytes, *, is_folder: bool) -> bool:
        """Whether git ignores an untracked entry of a folder that is not ignored itself.

        Args:
            folder: Relative to the root, with a trailing slash; empty for the root.
            name: The entry in that folder.
            is_folder: Whether it is a folder (a symbolic link to one is none).
        """
        path = folder + name
        for base, patterns in self._chain(folder):
            decision = patterns.decide(name, path[base:], is_folder=is_folder)
            if decision is not None:
                return not decision.startswith(b"!")
        for patterns in self._outside:
            decision = patterns.decide(name, path, is_folder=is_folder)
            if decision is not None:
                return not decision.startswith(b"!")
        return False

    def _chain(self, folder: bytes) -> tuple[tuple[int, PatternList], ...]:
        """The ``.gitignore`` files for a folder, deepest first, each with its folder's length."""
        known = self._chains.get(folder)
        if known is not None:
            return known
        above = self._chain(folder[: folder.rfind(b"/", 0, -1) + 1]) if folder else ()
        content = read_inside(self._root + b"/" + folder + b".gitignore")
        chain = above
        if content is not None:
            own = PatternList(content, ignore_case=self._ignore_case)
            chain = ((len(folder), own), *above)
        self._chains[folder] = chain
        return chain


def read_inside(path: bytes) -> bytes | None:
    """Read a rule file that lies in a working tree; ``None`` where there is none.

    Git follows no symbolic link there and goes on without a file that it cannot read, and so must
    the snapshot.
    """

    def open_no_link(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)

    try:
        with open(path, "rb", opener=open_no_link) as file:
            return file.read()
    except OSError:
        return None


def read_outside(path: bytes) -> bytes | None:
    """Read a rule file that does not lie in a working tree; ``None`` where there is none."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (bytes)
            return file.read()
    except OSError:
        return None
