"""Content by hash: the files and directories that runs read and wrote."""

from runref.artifacts.artifact import (
    Artifact,
    ArtifactDamaged,
    ArtifactMissing,
    DigestInvalid,
    Kind,
)
from runref.artifacts.local import LocalStore
from runref.artifacts.manifest import (
    Entry,
    Manifest,
    ManifestInvalid,
    ManifestTooNew,
    ManifestUnsafe,
)
from runref.artifacts.new_file import StoreFull, StoreUnusable
from runref.artifacts.off_limits import conflict
from runref.artifacts.reading import (
    ArtifactChanged,
    ArtifactSpecial,
    ArtifactUnreadable,
    ArtifactVanished,
    hash_file,
)
from runref.artifacts.receiving import Receiver
from runref.artifacts.restoring import TargetExists, TargetUnwritable, check_target
from runref.artifacts.tree import hash_path

__all__ = [
    "Artifact",
    "ArtifactChanged",
    "ArtifactDamaged",
    "ArtifactMissing",
    "ArtifactSpecial",
    "ArtifactUnreadable",
    "ArtifactVanished",
    "DigestInvalid",
    "Entry",
    "Kind",
    "LocalStore",
    "Manifest",
    "ManifestInvalid",
    "ManifestTooNew",
    "ManifestUnsafe",
    "Receiver",
    "StoreFull",
    "StoreUnusable",
    "TargetExists",
    "TargetUnwritable",
    "check_target",
    "conflict",
    "hash_file",
    "hash_path",
]
