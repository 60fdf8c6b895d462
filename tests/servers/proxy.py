"""An HTTP proxy in front of an S3 server, which does to requests what a test's rule says.

It hands on the Host header, which signatures cover: clients use the proxy's URL as the endpoint.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.servers.faults import Call, Fault, Rule, harmless
from tests.servers.relay import Relay

if TYPE_CHECKING:
    from typing_extensions import Self


class Proxy:
    """A proxy that serves as long as its `with` lasts.

    Attributes:
        url: Endpoint for clients.
        rule: What happens to each request from now on.
        calls: All requests so far.
    """

    def __init__(self, upstream: str, rule: Rule = harmless) -> None:
        self.rule = rule
        self.calls: list[Call] = []
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._listener = Listener(self, upstream)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._listener.server_port}"

    def count(self, method: str) -> int:
        """Return how many requests with a method have come."""
        return sum(call.method == method for call in self.calls)

    def decide(self, method: str, target: str, headers: Mapping[str, str]) -> Fault | None:
        """Count a request, and return what is to happen to it."""
        path, _, query = target.partition("?")
        with self._lock:
            self._seen[method, target] += 1
            nth = self._seen[method, target]
            call = Call(len(self.calls) + 1, nth, method, path, query, headers)
            self.calls.append(call)
        return self.rule(call)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._listener.hang_up()
        self._listener.server_close()  # waits for the threads of all connections
        if self._listener.errors:
            raise self._listener.errors[0]


class Listener(ThreadingHTTPServer):
    """Accepts the connections of clients, each in a thread of its own."""

    daemon_threads = False  # They are waited for.
    request_queue_size = 128

    def __init__(self, proxy: Proxy, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), Relay)
        self.proxy = proxy
        self.upstream = urlsplit(upstream).netloc
        self.closing = threading.Event()
        self.errors: list[BaseException] = []
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End all connections, whatever they wait for."""
        self.closing.set()
        for connection in list(self._connections):
            with suppress(OSError):  # Its thread closed it in this moment.
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError | HTTPException):
            self.errors.append(error)  # The others: one side has hung up, as tests make them do.
