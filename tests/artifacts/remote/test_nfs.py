"""A remote on NFS, used by machines of their own: each node has Linux's own NFS client."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import pytest
from tests.servers.nfs import NfsServer
from tests.servers.node import HOST, MOUNT, Node

from runref.artifacts.artifact import Artifact, digest_hex
from runref.artifacts.local import LocalStore
from runref.artifacts.remote.partial import RESUMED

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
LARGE = Random(0).randbytes(20_000_000)  # so much that its upload can be resumed


class Gate:
    """Where the pushes of nodes wait for each other."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(1)
        self._waiting: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]

    def wait_for(self, *nodes: Node) -> None:
        """Return when these, too, stand before the gate; fail when one of them never will."""
        expected = len(self._waiting) + len(nodes)
        for _ in range(300):
            with suppress(TimeoutError):
                self._waiting.append(self._listener.accept()[0])
            if len(self._waiting) == expected:
                return
            for node in nodes:
                if node.process.poll() is not None:
                    node.fail("ended on its way to the gate")
        pytest.fail("not all nodes came to the gate in time")

    def open(self) -> None:
        while self._waiting:
            self._waiting.pop().close()

    def close(self) -> None:
        self.open()
        self._listener.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture
def remote(nfs: NfsServer, request: pytest.FixtureRequest) -> Path:
    """The remote as this machine sees it; the first push makes it."""
    return nfs.export / request.node.name


class Pusher(Node):
    """A node with a store of its own, which pushes what it holds."""

    def __init__(self, folder: Path, nfs: NfsServer, remote: Path, gate: Gate, after: int) -> None:
        arguments = [f"{MOUNT}/{remote.name}", HOST, str(gate.port), str(after)]
        command = [sys.executable, "-B", str(HERE / "push_on_node.py"), *arguments]
        super().__init__(folder.name, folder, nfs, command)
        self.store = LocalStore(self.shared / "store")
        self._added: list[Artifact] = []

    def add(self, name: str, contents: Iterable[bytes]) -> None:
        """Have a folder of files pushed."""
        folder = self.folder / name
        folder.mkdir()
        for number, content in enumerate(contents):
            (folder / str(number)).write_bytes(content)
        self._added.append(self.store.add(folder))

    def start(self) -> None:
        wanted = [[each.digest, each.kind, each.size] for each in self._added]
        (self.shared / "wanted.json").write_text(json.dumps(wanted), "utf-8")
        super().start()

    def digests(self) -> set[str]:
        return {digest_hex(each.digest) for each in self.store.contents()}


@pytest.fixture
def pusher(
    tmp_path: Path, nfs: NfsServer, remote: Path, gate: Gate
) -> Iterator[Callable[..., Pusher]]:
    """Makes nodes, which end with the test: `pusher("a")`, `pusher("b", after=1000)`."""
    with ExitStack() as nodes:

        def make(name: str, after: int = 0) -> Pusher:
            node = Pusher(tmp_path / name, nfs, remote, gate, after)
            nodes.callback(node.close)
            return node

        yield make


def files(*seeds: int) -> list[bytes]:
    return [Random(seed).randbytes(10_000) for seed in seeds]


def visible(remote: Path) -> set[str]:
    """Return what the remote holds, all of which `sha256sum` confirms."""
    paths = {f"{each.parent.name}{each.name}": each for each in remote.glob("sha256/*/*")}
    lines = "".join(f"{digits}  {path}\n" for digits, path in paths.items())
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet"],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not paths or checked.returncode == 0, checked.stdout + checked.stderr
    return set(paths)


def test_two_nodes_push_the_same_at_once(pusher: Callable[..., Pusher], remote: Path, gate: Gate):
    nodes = [pusher("a"), pusher("b")]
    for node, own in zip(nodes, (range(20), range(10, 30)), strict=True):
        node.add("same", [LARGE, *files(*range(100, 130))])
        node.add("own", files(*own))
        node.start()
    gate.wait_for(*nodes)  # Both have found that the remote holds nothing.
    assert visible(remote) == set()
    gate.open()
    for node in nodes:
        node.wait()
    assert visible(remote) == nodes[0].digests() | nodes[1].digests()
    assert list(remote.glob("tmp/*")) == []


def test_a_node_that_dies_harms_nobody(pusher: Callable[..., Pusher], remote: Path, gate: Gate):
    dying, other = pusher("dying", after=len(LARGE) // 4), pusher("other")
    for node in (dying, other):
        node.add("same", [LARGE, *files(*range(5))])
        node.start()
    gate.wait_for(dying, other)
    dying.kill()
    assert visible(remote) < other.digests()
    gate.open()
    other.wait()
    assert visible(remote) == other.digests()


def test_a_node_that_comes_back_goes_on(pusher: Callable[..., Pusher], remote: Path, gate: Gate):
    size = RESUMED + len(LARGE)
    node = pusher("returning", after=size // 2)
    node.add("large", [Random(1).randbytes(size)])
    node.start()
    gate.wait_for(node)
    node.kill()
    assert visible(remote) == set()
    node.start()
    gate.wait_for(node)
    gate.open()
    node.wait()
    assert visible(remote) == node.digests()
    assert list(remote.glob("tmp/*")) == []  # The server has let go of the dead node's lock.


def test_contract(nfs: NfsServer, tmp_path: Path):
    options = ["-q", "-c", str(ROOT / "pyproject.toml"), "--noconftest", "-p", "no:cacheprovider"]
    options += ["-o", "tmp_path_retention_policy=failed"]  # a node's memory holds few tests' files
    command = [sys.executable, "-B", "-m", "pytest", *options, str(HERE / "contract_on_node.py")]
    environment = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with Node("contract", tmp_path / "node", nfs, command, environment) as node:
        node.wait(600)
        assert "passed" in node.log.read_text()
