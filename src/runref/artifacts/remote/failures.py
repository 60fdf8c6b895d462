"""What drivers of remotes raise, as the errors that a remote may raise.

Drivers agree on little: s3fs turns the answers of a server into an `OSError` of its own choice,
others raise what their HTTP library does. What went wrong is therefore looked for along the chain
of causes: first the code of the server, then that of the operating system, then the kind of the
exception.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from runref.artifacts.remote.causes import Answer, answer_in, causes, is_failure, words
from runref.artifacts.remote.store import (
    RemoteAbsent,
    RemoteFull,
    RemoteInterrupted,
    RemoteRefused,
    RemoteUnreachable,
    RemoteUnusable,
)
from runref.errors import RunrefError

_SKEWED = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_REFUSED = frozenset(
    {
        *("AccessDenied", "AccountProblem", "AllAccessDisabled"),
        *("403", "Forbidden", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch"),
        *("AuthFailure", "NotSignedUp", "Unauthorized", "XAmzContentSHA256Mismatch"),
    }
)
_ABSENT = frozenset({"NoSuchBucket", "ContainerNotFound"})
_ELSEWHERE = frozenset(
    {
        *("PermanentRedirect", "301", "AuthorizationHeaderMalformed", "TemporaryRedirect"),
        *("IllegalLocationConstraintException", "InvalidRegion"),
    }
)
_FULL = frozenset(
    {
        *("InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "ServiceQuotaExceeded"),
        *("XMinioAdminBucketQuotaExceeded", "EntityTooLargeForQuota", "507"),
    }
)
_BUSY = frozenset(
    {
        *("InternalError", "InternalServerError", "OperationAborted", "RequestTimeout", "SlowDown"),
        *("ServiceUnavailable", "ThrottlingException", "Throttling", "TooManyRequests"),
        *("XMinioServerNotInitialized", "RequestTimeoutException", "ServerBusy", "BadDigest"),
        *("IncompleteBody", "ConditionalRequestConflict"),
    }
)
_NO_ROOM = ("no space left", "no free volume", "not enough space", "disk full", "quota exceeded")
"""What servers say that have no code of their own for it."""

_OUT_OF_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_AWAY = frozenset(
    {
        *(errno.ECONNABORTED, errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTDOWN),
        *(errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETRESET, errno.ENETUNREACH, errno.EPIPE),
        *(errno.ETIMEDOUT, errno.EBUSY, errno.ESTALE, errno.EAGAIN, errno.EINTR),
    }
)
_BROKEN_OFF = frozenset(
    {
        *("ClientPayloadError", "CutShort", "IncompleteRead", "IncompleteReadError"),
        *("ResponseStreamingError", "AioConnectionClosedError"),
    }
)
_NO_ANSWER = frozenset(
    {
        *("ClientConnectionError", "ClientOSError", "ConnectTimeoutError", "ConnectionClosedError"),
        *("ConnectionError", "EndpointConnectionError", "FSTimeoutError", "HTTPClientError"),
        *("NoValidConnectionsError", "ReadTimeoutError", "ResponseParserError", "SSHException"),
        *("ServerDisconnectedError", "ServerTimeoutError", "TimeoutError", "gaierror", "EOFError"),
        *("ServiceRequestError", "ServiceResponseError", "TransportError", "ProtocolError"),
    }
)
_NO_CREDENTIALS = frozenset(
    {
        *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"),
        *("DefaultCredentialsError", "RefreshError", "ClientAuthenticationError"),
        *("UnauthorizedSSOTokenError", "SSOTokenLoadError", "TokenRetrievalError"),
    }
)


class RemoteUntrusted(RemoteUnusable):
    """A remote does not prove that it is the host it is taken for."""

    code = "remote-untrusted"


class FromCaller(Exception):
    """Carries what the caller's own function raised past those who explain failures.

    Attributes:
        error: What it raised.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def callers(function: Callable[[Any], object]) -> Callable[[Any], None]:
    """Return `function` such that what it raises is not taken for a failure of the remote."""

    def call(argument: Any) -> None:
        try:
            function(argument)
        except Exception as error:
            raise FromCaller(error) from error

    return call


@contextmanager
def explained(name: str, doing: str) -> Iterator[None]:
    """Raise what a driver raises inside as one of the errors that a remote may raise.

    Args:
        name: The remote's, for messages.
        doing: What it was asked, for messages: ``read sha256:…``.

    Raises:
        RemoteUnreachable: It does not answer, or not now.
        RemoteInterrupted: It broke off.
        RemoteRefused: It does not accept the credentials.
        RemoteAbsent: The bucket or host is not there.
        RemoteFull: It has no room.
        RemoteUnusable: It answers something else.
    """
    try:
        yield
    except FromCaller as carried:
        raise carried.error from carried.error.__cause__
    except RunrefError:
        raise
    except Exception as error:
        if not is_failure(error):
            raise
        raise explain(error, name, doing) from error


def explain(error: BaseException, name: str, doing: str) -> RunrefError:
    """Return what an exception of a driver means; see `explained`."""
    chain = causes(error)
    answer = answer_in(chain)
    says = words(answer, chain)
    return (
        (_from_answer(answer, name, doing, says) if answer is not None else None)
        or _from_system(chain, name, doing, says)
        or _from_kind(chain, name, doing, says)
        or RemoteUnusable(
            f"{name}: cannot {doing}: {says}",
            hint="check the remote's URL and options, and the server's log",
        )
    )


def absent(name: str, says: str) -> RemoteAbsent:
    """Return the error for a bucket, host or folder that does not exist."""
    return RemoteAbsent(
        f"{name} does not exist: {says}",
        hint="create the bucket or folder, or correct the remote's URL",
    )


def code_of(error: BaseException) -> str:
    """Return the server's own code for what went wrong, such as ``NoSuchBucket``, or nothing."""
    answer = answer_in(causes(error))
    return answer.code if answer is not None else ""


def _from_answer(answer: Answer, name: str, doing: str, says: str) -> RunrefError | None:
    code, status = answer.code, answer.status
    if code in _SKEWED:
        return _skewed(answer, name)
    if code in _EXPIRED:
        return RemoteRefused(
            f"{name} does not accept the credentials any more: {says}",
            hint="sign in again, or renew the session token",
        )
    if code in _FULL or status == 507 or _tells_no_room(says):
        return _full(name, doing, says)
    if code in _ABSENT:
        return absent(name, says)
    if code in _ELSEWHERE or status == 301:
        return RemoteUnusable(
            f"{name} lies in another region than it was asked in: {says}",
            hint="give the option region, with the name of the bucket's region",
        )
    if code in _REFUSED or status in (401, 403):
        return _refused(name, doing, says)
    if code in _BUSY or status in (408, 425, 429) or (500 <= status != 501):
        return _unreachable(name, doing, says)
    return None


def _from_system(
    chain: list[BaseException], name: str, doing: str, says: str
) -> RunrefError | None:
    numbers = {getattr(each, "errno", None) for each in chain}
    if numbers & _OUT_OF_ROOM or _tells_no_room(says):
        return _full(name, doing, says)
    if numbers & _AWAY:
        return _unreachable(name, doing, says)
    if any(isinstance(each, PermissionError) for each in chain):
        return _refused(name, doing, says)
    if isinstance(chain[0], FileNotFoundError):
        return absent(name, says)
    if says == "Failure":  # all that SFTP has to say
        return RemoteUnusable(
            f"{name}: cannot {doing}; the server does not say why",
            hint="see whether its disk or your quota is full, and who may write to the folder",
        )
    return None


def _from_kind(chain: list[BaseException], name: str, doing: str, says: str) -> RunrefError | None:
    kinds = {kind.__name__ for error in chain for kind in type(error).__mro__}
    if kinds & _NO_CREDENTIALS:
        return RemoteRefused(
            f"{name} needs credentials: {says}",
            hint="sign in with the provider's own tool, or name a profile that has them",
        )
    if "AuthenticationException" in kinds:
        return RemoteRefused(
            f"{name} does not let this user in: {says}",
            hint="add your key with ssh-add, or name it in ~/.ssh/config (IdentityFile)",
        )
    if kinds & {"SSLError", "ClientSSLError", "ClientConnectorCertificateError"}:
        return RemoteUntrusted(
            f"{name}: the server's certificate is not trusted: {says}",
            hint="give the option ca_bundle, with the path of the CA's certificate",
        )
    if kinds & _BROKEN_OFF:
        return RemoteInterrupted(
            f"{name} broke off: cannot {doing}: {says}", hint="it is worth another attempt"
        )
    if kinds & _NO_ANSWER:
        return _unreachable(name, doing, says)
    return None


def _skewed(answer: Answer, name: str) -> RemoteRefused:
    ours = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    try:
        theirs = parsedate_to_datetime(answer.date).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (TypeError, ValueError):
        theirs = "another time"
    return RemoteRefused(
        f"{name} refuses requests from a clock so different from its own: "
        f"it is {ours} here and {theirs} there",
        hint="set this machine's clock, for example with chronyd or systemd-timesyncd",
    )


def _full(name: str, doing: str, says: str) -> RemoteFull:
    return RemoteFull(
        f"{name} has no room: cannot {doing}: {says}",
        hint="free space there or raise the quota; `runref gc --artifacts` removes what is unused",
    )


def _refused(name: str, doing: str, says: str) -> RemoteRefused:
    return RemoteRefused(
        f"{name} refuses to {doing}: {says}",
        hint="check the credentials and what they permit: `runref remote check`",
    )


def _unreachable(name: str, doing: str, says: str) -> RemoteUnreachable:
    return RemoteUnreachable(
        f"{name} does not answer: cannot {doing}: {says}",
        hint="check the network and the remote's URL, and try again",
    )


def _tells_no_room(says: str) -> bool:
    lower = says.lower()
    return any(words in lower for words in _NO_ROOM)
