# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH117
"""One git repository, found, checked and opened."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from runref.git.attributes import FilterAttributes
from runref.git.config import Config, home_of, read_file, repository_config
from runref.git.discovery import Location, discover, open_at
from runref.git.files import Sharing
from runref.git.format import GITLINK
from runref.git.identity import identity_of
from runref.git.ignore import read_outside
from runref.git.index import IndexEntry, read_index
from runref.git.line_endings import LineEndings
from runref.git.objects import ObjectStore
from runref.git.refs import Head, Ref, RefStorage, read_head
from runref.git.signing.settings import SigningSettings, settings_of

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SubmoduleEntry:
    """A submodule that the index names.

    Attributes:
        path: Of its working tree, relative to the root.
        commit: What the index says it should be at.
        url: Where it was cloned from; empty where git does not know.
    """

    path: bytes
    commit: str
    url: str


class Repository:
    """One git repository as runref uses it.

    Attributes:
        git_dir: The git directory of this worktree.
        common_dir: What linked worktrees share: objects, refs, and runref's own files.
        root: Root of the working tree; None in a bare repository.
        object_format: ``sha1`` or ``sha256``.
        sharing: Permissions of new files and folders in it, for `runref.git.locks.exclusive`.
        objects: Its objects.
    """

    def __init__(self, location: Location, environ: Mapping[str, str], *, fsync: bool) -> None:
        self._location = location
        self._environ = environ
        self.git_dir = location.git_dir
        self.common_dir = location.common_dir
        self.root = location.root
        self.object_format = location.object_format.name
        self.sharing = Sharing.parse(location.shared)
        self.objects = ObjectStore(
            f"{location.common_dir}/objects",
            location.object_format,
            sharing=self.sharing,
            fsync=fsync,
        )

    @classmethod
    def discover(
        cls, start: Path, *, environ: Mapping[str, str] = _NOTHING, fsync: bool = True
    ) -> Repository:
        """Find the repository that a folder lies in.

        Args:
            start: Where to begin; the search goes upwards.
            environ: Environment variables that git heeds (``HOME``, ``XDG_CONFIG_HOME``,
                ``GIT_CONFIG_*``, ``GIT_AUTHOR_*``, ``SUDO_UID``); none are read from elsewhere.
            fsync: Wait until new objects are on the disk.

        Raises:
            NotARepository: There is none.
            ForeignRepository: It belongs to someone else and was not declared safe.
            UnsupportedRepository: It uses a feature that runref does not know.
            ConfigDamaged: Its configuration cannot be understood.
        """
        return cls(discover(start, environ), environ, fsync=fsync)

    @classmethod
    def open(
        cls, path: Path, *, environ: Mapping[str, str] = _NOTHING, fsync: bool = True
    ) -> Repository:
        """Open the repository at exactly ``path``; otherwise as `discover`.

        Args:
            path: Root of a working tree, git directory, or bare repository.
            environ: As for `discover`.
            fsync: As for `discover`.
        """
        return cls(open_at(path, environ), environ, fsync=fsync)

    def takes_objects(self) -> bool:
        """Tell whether this process may add objects to it."""
        return os.access(f"{self.common_dir}/objects", os.W_OK)

    def writing_to(self, folder: Path) -> Repository:
        """Return the same repository as it is for a process that may only read it.

        Its new objects go to a folder of their own. What the repository has is not written again;
        who may only read it cannot keep it from ``git gc`` either.

        Args:
            folder: An object directory, which exists.
        """
        other = copy(self)
        other.objects = ObjectStore(
            str(folder),
            self._location.object_format,
            sharing=self.sharing,
            fsync=self.objects.fsync,
            lender=self.objects,
        )
        return other

    @cached_property
    def _config(self) -> Config:
        # The branch decides over `includeIf "onbranch:"`; it is read once, as the rest is.
        return repository_config(
            str(self.git_dir), str(self.common_dir), self._environ, branch=self.head().branch
        )

    def config(self, section: str, name: str) -> str | None:
        """A value of git's configuration as git sees it here, or None.

        Args:
            section: ``core``, or with a subsection ``remote.origin``.
            name: Key within the section.
        """
        return self._config.get(section, name)

    @property
    def settings(self) -> Config:
        """Git's configuration as git sees it here."""
        return self._config

    def remotes(self) -> list[str]:
        """Names of the git remotes that the configuration has."""
        names = self._config.subsections("remote")
        return [name for name in names if self.config(f"remote.{name}", "url") is not None]

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables that git heeds, as they were given."""
        return self._environ

    def config_values(self, section: str, name: str) -> list[str]:
        """All values of a key that may have several, as `config` has one."""
        return self._config.all(section, name)

    def head(self) -> Head:
        """What is checked out now."""
        return read_head(str(self.git_dir), str(self.common_dir))

    def identity(self) -> str:
        """Who makes the commits, as ``Name <mail>``; never fails, the system's user at worst.

        It is asked once: a sweep's runs are all by the same person.
        """
        return self._identity

    @cached_property
    def _identity(self) -> str:
        return identity_of(self._environ, lambda: self._config)

    def signs_commits(self) -> bool:
        """Whether git is set to sign commits.

        Raises:
            ConfigDamaged: Git's configuration cannot be understood.
        """
        return bool(self._config.flag("commit", "gpgSign"))

    def signing(self) -> SigningSettings:
        """How the user signs and whom they trust, as git is set here.

        Raises:
            ConfigDamaged: Git's configuration cannot be understood.
        """
        base = str(self.root or self.git_dir)
        return settings_of(self._config, self._environ, self.identity(), base)

    def ref(self, name: str) -> Ref:
        """A ref by its full name, ``refs/runref/runs``."""
        common_dir, object_format = str(self.common_dir), self._location.object_format
        return Ref(name, RefStorage(common_dir, object_format, self.sharing, self.identity))

    def tracked(self) -> Mapping[bytes, IndexEntry]:
        """The paths that git tracks, from the user's index, which is only read.

        Raises:
            UnsupportedIndex: The index uses a feature that runref does not know.
            IndexDamaged: It cannot be read.
        """
        return read_index(
            f"{self.git_dir}/index", self._location.object_format, self.objects.read_tree
        )

    def excludes(self) -> tuple[Path, ...]:
        """The files with ignore rules outside the working tree, the strongest first.

        They need not exist.
        """
        configured = self._configured_file("excludesFile", "ignore")
        shared = self.common_dir / "info" / "exclude"
        return (shared, configured) if configured else (shared,)

    def attribute_files(self) -> tuple[Path, ...]:
        """The files with attributes outside the working tree, the strongest first.

        That in the repository overrides every ``.gitattributes``, and they the user's own. They
        need not exist.
        """
        configured = self._configured_file("attributesFile", "attributes")
        shared = self.common_dir / "info" / "attributes"
        return (shared, configured) if configured else (shared,)

    def _configured_file(self, key: str, usual: str) -> Path | None:
        configured = self.config("core", key)
        home = home_of(self._environ)
        if configured is None:
            base = self._environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
            configured = f"{base}/git/{usual}"
        elif configured.startswith("~/"):
            configured = home + configured[1:]
        elif configured and not os.path.isabs(configured):
            configured = str((self.root or self.git_dir) / configured)
        return Path(configured) if configured else None

    def line_endings(self) -> LineEndings:
        """How git converts the line endings of files in this working tree now."""
        strongest, *weakest = map(read_outside, map(os.fsencode, self.attribute_files()))
        attributes = FilterAttributes(
            os.fsencode(self.root or self.git_dir),
            weakest=[content for content in weakest if content],
            strongest=[strongest] if strongest else [],
        )
        automatic = (self.config("core", "autocrlf") or "").lower() == "input"
        automatic = automatic or bool(self._config.flag("core", "autocrlf"))
        return LineEndings(attributes, auto=automatic)

    def submodules(self) -> tuple[SubmoduleEntry, ...]:
        """The submodules that the index names, in its order."""
        links = {path: entry.oid for path, entry in self.tracked().items() if entry.mode == GITLINK}
        if not links:
            return ()
        urls = self._submodule_urls()
        return tuple(SubmoduleEntry(path, oid, urls.get(path, "")) for path, oid in links.items())

    def _submodule_urls(self) -> dict[bytes, str]:
        if self.root is None:
            return {}
        declared = read_file(str(self.root / ".gitmodules"))
        urls: dict[bytes, str] = {}
        for name in declared.subsections("submodule"):
            section = f"submodule.{name}"
            path = declared.get(section, "path")
            # What stands in the configuration is what was cloned; .gitmodules may be newer.
            url = self.config(section, "url") or declared.get(section, "url")
            if path is not None:
                urls[os.fsencode(path)] = url or ""
        return urls
