"""What records want moved, taken apart into the contents that it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing, Kind
from runref.artifacts.local import LocalStore
from runref.artifacts.manifest import ManifestInvalid, ManifestTooNew, ManifestUnsafe
from runref.artifacts.transfer.failing import Failure


@dataclass(frozen=True, slots=True)
class Wanted:
    """An artifact that a record names.

    Attributes:
        digest: ``sha256:<hex>`` of the file, or of the directory's manifest.
        kind: ``file`` or ``directory``.
        size: Bytes, of all files together.
    """

    digest: str
    kind: Kind
    size: int


@dataclass(slots=True)
class Needed:
    """The contents that wanted artifacts consist of, each once.

    Attributes:
        files: Digests of files, with the sizes in bytes that records and manifests give them; no
            size where they contradict each other.
        manifests: Digests of the manifests that are here, with those of the files they name.
        absent: Digests of manifests that are not here, so that nobody knows their files.
        failed: Manifests that are here and cannot be followed.
    """

    files: dict[str, int | None] = field(default_factory=dict)
    manifests: dict[str, tuple[str, ...]] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    failed: list[Failure] = field(default_factory=list)

    @property
    def digests(self) -> set[str]:
        """Everything that has to be in one place for the wanted artifacts to be there."""
        return {*self.files, *self.manifests, *self.absent}

    def add_file(self, digest: str, size: int) -> None:
        """Need a file."""
        # A record can lie about a size. Only where nobody contradicts it is it held against others.
        if self.files.setdefault(digest, size) != size:
            self.files[digest] = None

    def add_directory(self, local: LocalStore, digest: str) -> None:
        """Need a manifest and, where it is in `local`, every file that it names."""
        try:
            manifest = local.read_manifest(digest)
        except ArtifactMissing:
            self.absent.add(digest)
            return
        except (ArtifactDamaged, ManifestInvalid, ManifestTooNew, ManifestUnsafe) as error:
            self.failed.append(Failure(digest, error))
            return
        named = {entry.digest: entry.size for entry in manifest.entries if entry.is_file}
        for each, size in named.items():
            self.add_file(each, size)
        self.manifests[digest] = tuple(named)


def expand(local: LocalStore, wanted: Iterable[Wanted]) -> Needed:
    """Return the contents that artifacts consist of, as far as the manifests are in `local`.

    Raises:
        DigestInvalid: What should be a digest is none.
        StoreUnusable: The operating system does not let the local store be read.
    """
    needed = Needed()
    directories: dict[str, None] = {}
    for each in wanted:
        if each.kind == "file":
            needed.add_file(each.digest, each.size)
        else:
            directories[each.digest] = None
    for digest in directories:
        needed.add_directory(local, digest)
    return needed
