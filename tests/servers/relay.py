"""One connection of a client to the proxy: requests on their way to the server and answers back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from tests.servers.faults import (
    CutBody,
    CutUpload,
    Delay,
    Fault,
    HangUpAfter,
    HangUpBefore,
    Refuse,
    ShortBody,
)

if TYPE_CHECKING:
    from tests.servers.proxy import Listener

CHUNK = 64 * 1024
# Of one connection, not of the message; and Expect, which the proxy answers itself.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "content-length"}


class Relay(BaseHTTPRequestHandler):
    """Serves a connection until one side hangs up, over one connection of its own to the server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def setup(self) -> None:
        super().setup()
        self.upstream = HTTPConnection(self.server.upstream, timeout=120)

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass  # The proxy's `calls` are the log.

    def relay(self) -> None:
        # Not `self.path`, which is tidied up: signatures cover the path as it was sent.
        target = self.requestline.split(" ")[1]
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = self.server.proxy.decide(self.command, target, headers)
        if isinstance(fault, HangUpBefore):
            self.close_connection = True
        elif isinstance(fault, Refuse):
            self._refuse(fault)
        else:
            if isinstance(fault, Delay):
                self.server.closing.wait(fault.seconds)
            self._forward(target, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = relay  # noqa: N815

    def _forward(self, target: str, fault: Fault | None) -> None:
        chunked = _is_chunked(self.headers)
        self.upstream.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP_BY_HOP:
                self.upstream.putheader(name, value)
        self.upstream.putheader(*_framing(chunked, self.headers.get("Content-Length", "0")))
        self.upstream.endheaders()
        left = fault.keep if isinstance(fault, CutUpload) else sys.maxsize
        for part in self._body():
            if left:
                self.upstream.send(_framed(part[:left], chunked))
            left -= min(left, len(part))
        if isinstance(fault, CutUpload):
            self.close_connection = True
            return
        if chunked:
            self.upstream.send(_framed(b"", chunked))
        with self.upstream.getresponse() as answer:
            if isinstance(fault, HangUpAfter):
                self.close_connection = True
            else:
                self._answer(answer, fault)

    def _body(self) -> Iterator[bytes]:
        """Yield the request's body in parts, which are not empty."""
        if not _is_chunked(self.headers):
            yield from self._exactly(int(self.headers.get("Content-Length", 0)))
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield from self._exactly(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # Trailers; no client of S3 sends any here.

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            part = self.rfile.read1(min(size, CHUNK))
            if not part:
                raise ConnectionAbortedError("the client hung up within a request")
            size -= len(part)
            yield part

    def _answer(self, answer: HTTPResponse, fault: Fault | None) -> None:
        length = answer.headers.get("Content-Length")
        has_body = self.command != "HEAD" and answer.status not in {204, 304}
        keep = fault.keep if isinstance(fault, CutBody | ShortBody) and has_body else sys.maxsize
        if isinstance(fault, ShortBody) and length is not None:
            length = str(min(keep, int(length)))
        chunked = has_body and length is None
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.headers.items():
            of_whole = isinstance(fault, ShortBody) and name.lower().startswith("x-amz-checksum-")
            if name.lower() not in HOP_BY_HOP and not of_whole:
                self.send_header(name, value)
        if chunked or length is not None:
            self.send_header(*_framing(chunked, length))
        self.end_headers()
        while part := answer.read1(min(keep, CHUNK)):
            self.wfile.write(_framed(part, chunked))
            keep -= len(part)
        if isinstance(fault, CutBody):
            self.close_connection = True
        elif chunked:
            self.wfile.write(_framed(b"", chunked))
        if not answer.isclosed():
            self.upstream.close()  # The rest of this answer would come before the next one.

    def _refuse(self, fault: Refuse) -> None:
        for _ in self._body():
            pass  # The client may not look at an answer before it has sent its body.
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f"<Error><Code>{fault.code}</Code><Message>Refused by the proxy.</Message></Error>"
        ).encode()
        self.send_response_only(fault.status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _is_chunked(headers: Any) -> bool:
    return "chunked" in headers.get("Transfer-Encoding", "").lower()


def _framing(chunked: bool, length: str | None) -> tuple[str, str]:
    return ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(length))


def _framed(part: bytes, chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(part), part) if chunked else part
