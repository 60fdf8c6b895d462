"""Server programs: on ports that nobody else takes, waited for by asking them for their work."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.process import Process

if TYPE_CHECKING:
    from typing_extensions import Self


class Ports:
    """Ports of the loopback address that no other test takes.

    Each is held by a socket that is bound and never listens: who asks for any free port is given
    another one, while a server, which binds with SO_REUSEADDR, gets this one, again and again.
    """

    def __init__(self, count: int) -> None:
        self._sockets = [socket.socket() for _ in range(count)]
        for each in self._sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("127.0.0.1", 0))
        self.numbers = [each.getsockname()[1] for each in self._sockets]

    def release(self) -> None:
        for each in self._sockets:
            each.close()


class Server(Process):
    """A program that serves on the loopback address.

    As a context manager it is started, then stopped, and its folder is removed.
    """

    starting_seconds = 60.0
    stopping_seconds = 10.0

    def __init__(self, folder: Path, ports: int = 1) -> None:
        super().__init__(folder)
        self.ports = Ports(ports)

    def trouble(self) -> str:
        """Ask the server for its work; return why it does not do it yet, or nothing."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the program and return when it serves; fail with its log when it does not."""
        super().start()
        try:
            self._wait()
        except BaseException:
            self.kill()
            raise

    def _wait(self) -> None:
        assert self.process is not None
        end = time.monotonic() + self.starting_seconds
        while trouble := self.trouble():
            if self.process.poll() is not None:
                self.fail(f"ended with status {self.process.returncode}")
            if time.monotonic() > end:
                self.fail(f"is not ready after {self.starting_seconds} s: {trouble}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the program as its users would; kill it when it takes too long."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(self.stopping_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.kill()

    def restart(self) -> None:
        """Stop the program and start it on the same data and ports."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the program and remove everything that it wrote."""
        self.stop()
        self.ports.release()
        super().close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()
