"""One repository's share of a working tree: what it tracks, ignores and filters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from runref.capture.secrecy import strip_credentials
from runref.git.attributes import FilterAttributes
from runref.git.ignore import IgnoreRules, read_outside
from runref.git.refs import Head

if TYPE_CHECKING:
    from runref.git.index import IndexEntry
    from runref.git.repository import Repository


class Scope:
    """The part of a working tree that one repository rules, up to the next one inside it.

    Attributes:
        folder: Where it begins, relative to the root of the whole, with a trailing slash; empty
            for the whole itself.
        path: The same folder, absolute.
        repository: Which one it is; ``None`` where the code is no git checkout.
        around: The scope that it lies in; ``None`` for the whole.
        linked: The commit that the repository around has it at, as a submodule; empty for a
            repository that just lies there.
    """

    def __init__(
        self,
        folder: bytes,
        path: bytes,
        repository: Repository | None,
        *,
        personal_excludes: tuple[Path, ...] = (),
        around: Scope | None = None,
        linked: str = "",
    ) -> None:
        """Describe a part of a working tree.

        Args:
            folder: See the class.
            path: See the class.
            repository: See the class.
            personal_excludes: The user's own ignore files, where there is no repository to ask.
            around: See the class.
            linked: See the class.
        """
        self.folder = folder
        self.path = path
        self.repository = repository
        self.around = around
        self.linked = linked
        excludes = repository.excludes() if repository else personal_excludes
        self._excludes = tuple(map(os.fsencode, excludes))

    @cached_property
    def head(self) -> Head:
        """What was checked out when it was first asked."""
        return self.repository.head() if self.repository else Head("", "")

    @property
    def url(self) -> str:
        """Where the repository was cloned from, without credentials."""
        if self.linked and self.around is not None and self.around.repository is not None:
            path = self.folder[len(self.around.folder) : -1]
            for submodule in self.around.repository.submodules():
                if submodule.path == path:
                    return strip_credentials(submodule.url)
        origin = self.repository.config("remote.origin", "url") if self.repository else None
        return strip_credentials(origin or "")

    @cached_property
    def tracked(self) -> Mapping[bytes, IndexEntry]:
        """What git tracks, by path relative to this scope."""
        return self.repository.tracked() if self.repository else {}

    def indexed(self, path: bytes) -> IndexEntry | None:
        """What the index has for a path, given relative to the root of the whole."""
        return self.tracked.get(path[len(self.folder) :])

    @cached_property
    def _ignore_rules(self) -> IgnoreRules:
        return IgnoreRules(self.path, self._excludes, ignore_case=self._flag("ignorecase"))

    def ignores(self, folder: bytes, name: bytes, *, is_folder: bool) -> bool:
        """Whether git ignores an untracked entry of a folder (relative to the whole)."""
        inside = folder[len(self.folder) :]
        return self._ignore_rules.ignored(inside, name, is_folder=is_folder)

    @cached_property
    def _filters(self) -> FilterAttributes:
        *weak, strong = map(read_outside, self._attribute_files)
        return FilterAttributes(
            self.path, weakest=[c for c in weak if c], strongest=[strong] if strong else []
        )

    def filter_of(self, path: bytes) -> bytes:
        """The filter that ``.gitattributes`` gives a file (path relative to the whole)."""
        return self._filters.filter_of(path[len(self.folder) :])

    @cached_property
    def _attribute_files(self) -> tuple[bytes, ...]:
        """Attribute files outside the working tree, the strongest last."""
        if self.repository is None:
            return (b"",)
        own = os.fsencode(self.repository.common_dir / "info" / "attributes")
        configured = self.repository.config("core", "attributesfile")
        return (os.fsencode(Path(configured).expanduser()), own) if configured else (own,)

    @cached_property
    def rule_files(self) -> tuple[bytes, ...]:
        """The files outside the working tree that decide what belongs to the snapshot."""
        if self.repository is None:
            return self._excludes
        index = os.fsencode(self.repository.git_dir / "index")
        return (index, *self._excludes, *self._attribute_files)

    @cached_property
    def keeps_exec_bit(self) -> bool:
        """Whether the exec bits of files mean something here (git's ``core.fileMode``)."""
        return self.repository is None or self.repository.config("core", "filemode") != "false"

    def _flag(self, name: str) -> bool:
        return self.repository is not None and self.repository.config("core", name) == "true"
