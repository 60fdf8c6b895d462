"""Bundles that runref would not have made."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from runref.bundle.container import END, encode_header, padding
from runref.bundle.manifest import MANIFEST, RECORDS, SIGNATURE, Manifest, parse_manifest
from runref.git.format import (
    FILE,
    FORMATS,
    TREE,
    TreeEntry,
    decode_tree,
    encode_commit,
    encode_tree,
)
from runref.git.objects import ObjectStore
from runref.git.pack_file import PackFile
from runref.git.pack_reader import PackReader

SHA1 = FORMATS["sha1"]


@dataclass
class Forge:
    """A bundle taken apart; put together again, its manifest says what is in it then.

    Attributes:
        manifest: The manifest.
        objects: Kind and content of the objects of its pack, by name.
        artifacts: Contents by digest.
        signature: Bytes of the signature; empty for none.
        adjust: What is done to the manifest at last.
    """

    manifest: Manifest
    objects: dict[str, tuple[str, bytes]]
    artifacts: dict[str, bytes]
    signature: bytes = b""
    adjust: Callable[[Manifest], Manifest] = field(default=lambda manifest: manifest)

    @classmethod
    def of(cls, path: Path) -> Forge:
        with tarfile.open(path, "r:") as tar:
            files = {each.name: tar.extractfile(each).read() for each in tar.getmembers()}
        pack = files.pop(RECORDS)
        manifest = parse_manifest(files.pop(MANIFEST))
        signature = files.pop(SIGNATURE, b"")
        with tempfile.TemporaryDirectory() as folder:
            reader = PackReader(io.BytesIO(pack).read, len(pack), SHA1)
            reader.receive(folder)
            store = ObjectStore(folder, SHA1)
            objects = {oid: store.read(oid) for oid in reader.objects}
        artifacts = {f"sha256:{name[7:].replace('/', '')}": data for name, data in files.items()}
        return cls(manifest, objects, artifacts, signature)

    def write(self, kind: str, body: bytes) -> str:
        oid = SHA1.oid(kind, body)
        self.objects[oid] = (kind, body)
        return oid

    def entries(self, tree: str) -> dict[bytes, TreeEntry]:
        return {entry.name: entry for entry in decode_tree(self.objects[tree][1], 20)}

    def put(self, path: str, kind: str, body: bytes, mode: int = FILE) -> None:
        """Set what stands at a path of the root tree; the trees above follow, the old ones go."""
        oid = self.write(kind, body)
        root = self._put(self.manifest.root, path.encode().split(b"/"), mode, oid)
        self.root(root)

    def root(self, root: str) -> None:
        """Let the commit have another tree, drop what nothing reaches, and name the runs anew."""
        identity = self.manifest.author
        body = encode_commit(tree=root, parents=(), identity=identity, time=0, message="x")
        self.manifest = replace(self.manifest, root=root, commit=self.write("commit", body))
        reached = {self.manifest.commit}
        waiting = [root]
        while waiting:
            oid = waiting.pop()
            if oid in reached or oid not in self.objects:
                continue
            reached.add(oid)
            if self.objects[oid][0] == "tree":
                waiting += [entry.oid for entry in self.entries(oid).values()]
        self.objects = {oid: self.objects[oid] for oid in reached}
        runs = {name[-21:]: oid for name, oid in self._runs(root, "", 0)}
        self.manifest = replace(self.manifest, runs=dict(sorted(runs.items())))

    def read(self, path: str) -> bytes:
        oid = self.manifest.root
        for part in path.encode().split(b"/"):
            oid = self.entries(oid)[part].oid
        return self.objects[oid][1]

    def paths(self) -> dict[str, str]:
        """Return the folders of runs by id."""
        return {name[-21:]: f"runs{name}" for name, _ in self._runs(self.manifest.root, "", 0)}

    def save(self, path: Path, members: Mapping[str, bytes] | None = None) -> Path:
        """Write it, each content under the digest that it is kept under here."""
        manifest = self.described()
        path.write_bytes(join(manifest.seconds, members or self.members(manifest)))
        return path

    def described(self) -> Manifest:
        pack = self.pack()
        return self.adjust(
            replace(
                self.manifest,
                records=hashlib.sha256(pack).hexdigest(),
                records_size=len(pack),
                artifacts={each: len(data) for each, data in sorted(self.artifacts.items())},
            )
        )

    def members(self, manifest: Manifest) -> dict[str, bytes]:
        files = {MANIFEST: manifest.encode()}
        if self.signature:
            files[SIGNATURE] = self.signature
        files[RECORDS] = self.pack()
        for digest, data in sorted(self.artifacts.items()):
            files[f"sha256/{digest[7:9]}/{digest[9:]}"] = data
        return files

    def pack(self) -> bytes:
        with tempfile.TemporaryFile() as file:
            pack = PackFile(file.fileno(), SHA1)
            for oid, (kind, body) in self.objects.items():
                pack.add(oid, kind, body)
            pack.complete()
            file.seek(0)
            return file.read()

    def _put(self, tree: str, path: list[bytes], mode: int, oid: str) -> str:
        entries = self.entries(tree) if tree else {}
        if len(path) > 1:
            below = entries[path[0]].oid if path[0] in entries else ""
            oid, mode = self._put(below, path[1:], mode, oid), TREE
        entries[path[0]] = TreeEntry(path[0], mode, oid)
        return self.write("tree", encode_tree(entries.values()))

    def _runs(self, tree: str, above: str, depth: int):
        if depth == 0:
            tree = self.entries(tree)[b"runs"].oid
        for name, entry in self.entries(tree).items():
            path = f"{above}/{name.decode()}"
            if depth == 3:
                yield path, entry.oid
            elif entry.is_tree:
                yield from self._runs(entry.oid, path, depth + 1)


def join(seconds: int, members: Mapping[str, bytes]) -> bytes:
    parts = [
        encode_header(n, len(data), seconds) + data + padding(len(data))
        for n, data in members.items()
    ]
    return b"".join(parts) + END
