"""The artifacts that runs hold, taken apart into contents, and whose each content is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from runref.artifacts.artifact import DigestInvalid, digest_hex
from runref.artifacts.manifest import Manifest, refused_entry
from runref.model.damage import NOT_RUNREF, Damage
from runref.upkeep.checking.runs import Held


@dataclass(frozen=True, slots=True)
class Owner:
    """A run that holds an artifact, and as what: ``outputs model.bin``."""

    run: str
    place: str


@dataclass(slots=True)
class Contents:
    """What runs hold.

    Attributes:
        files: Digests of files, with the sizes in bytes that records and manifests give them; no
            size where they contradict each other.
        directories: Digests of manifests, with the sizes in bytes that records give all their
            files together.
        followed: Those of them that were read, so that the files they name are in `files`.
        damage: What could be told from records and manifests alone.
    """

    files: dict[str, int | None] = field(default_factory=dict)
    directories: dict[str, int | None] = field(default_factory=dict)
    followed: set[str] = field(default_factory=set)
    damage: list[Damage] = field(default_factory=list)
    _owners: defaultdict[str, list[Owner]] = field(default_factory=lambda: defaultdict(list))
    _inside: defaultdict[str, list[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    @property
    def digests(self) -> set[str]:
        """Everything that has to be in one place for the artifacts to be there."""
        return {*self.files, *self.directories}

    def add(self, run: str, held: Iterable[Held]) -> None:
        """Take in the artifacts that a run holds."""
        for each in held:
            try:
                digest_hex(each.digest)
            except DigestInvalid as error:
                self.damage.append(
                    Damage("digest-invalid", run, each.place, "", error.message, NOT_RUNREF)
                )
                continue
            self._owners[each.digest].append(Owner(run, each.place))
            sizes = self.directories if each.kind == "directory" else self.files
            if sizes.setdefault(each.digest, each.size) != each.size:
                sizes[each.digest] = None

    def follow(self, digest: str, manifest: Manifest) -> None:
        """Take in what a directory consists of."""
        if digest in self.followed:
            return
        self.followed.add(digest)
        said = self.directories[digest]
        if said not in (manifest.size, None):
            message = f"its record says {said} bytes, its manifest {manifest.size}"
            self.note("artifact-size", digest, message, NOT_RUNREF)
        if refused := refused_entry(manifest):
            message = f"its manifest names {refused!r}, which git refuses: it is not brought back"
            self.note("manifest-unsafe", digest, message, NOT_RUNREF)
        for entry in manifest.entries:
            if entry.is_file:
                self._inside[entry.digest].append((digest, entry.path))
                if self.files.setdefault(entry.digest, entry.size) != entry.size:
                    self.files[entry.digest] = None

    def note(self, kind: str, digest: str, message: str, hint: str) -> None:
        """Note what is wrong with a content, once for each artifact of which it is a part."""
        self.damage += self.damage_of(kind, digest, message, hint)

    def damage_of(self, kind: str, digest: str, message: str, hint: str) -> Iterator[Damage]:
        """Yield what is wrong with a content, once for each artifact of which it is a part."""
        for owner in self._owners[digest]:
            yield Damage(kind, owner.run, owner.place, digest, message, hint)
        for manifest, path in self._inside[digest]:
            for owner in self._owners[manifest]:
                yield Damage(kind, owner.run, f"{owner.place}: {path}", digest, message, hint)
