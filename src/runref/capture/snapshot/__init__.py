"""The snapshot: the working tree as it is, as a git tree beside the user's own index and stash.

How it is made: a `Survey` walks the working tree and finds the files that belong to it, an
`Examiner` reads those that are new or changed since the last snapshot, `Trees` writes the folders
in which something changed, and `compare` counts what differs from the commit.
"""

from runref.capture.snapshot.content import SnapshotRules
from runref.capture.snapshot.manifest import manifest_of
from runref.capture.snapshot.take import take_snapshot
from runref.model.snapshot_manifest import manifest_digest

__all__ = ["SnapshotRules", "manifest_digest", "manifest_of", "take_snapshot"]
