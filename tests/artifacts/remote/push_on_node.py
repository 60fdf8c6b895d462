"""What a node of `test_nfs` runs: a push to the NFS mount that stops at a gate until it opens.

Usage: push_on_node.py REMOTE HOST PORT BYTES

What the file `wanted.json` lists goes from the folder `store` to the remote. After BYTES bytes the
push knocks at HOST and PORT, and goes on when it is answered.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

from runref.artifacts.local import LocalStore
from runref.artifacts.remote.location import open_remote
from runref.artifacts.transfer.progress import Silent
from runref.artifacts.transfer.push import push
from runref.artifacts.transfer.wanted import Wanted


class Gated(Silent):
    """Waits at the gate, once."""

    def __init__(self, gate: tuple[str, int], distance: int) -> None:
        self._gate = gate
        self._distance = distance
        self._passed = False

    def total(self, size: int, files: int, /) -> None:
        self.advance(0)

    def advance(self, size: int, /) -> None:
        self._distance -= size
        if self._distance <= 0 and not self._passed:
            self._passed = True
            with socket.create_connection(self._gate) as gate:
                gate.recv(1)


def main(remote: str, host: str, port: str, distance: str) -> int:
    pushed = push(
        LocalStore(Path("store")),
        open_remote(remote),
        [Wanted(*each) for each in json.loads(Path("wanted.json").read_text("utf-8"))],
        progress=Gated((host, int(port)), int(distance)),
    )
    print(pushed)
    return 0 if pushed.is_complete else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
