"""From a URL and options to the store behind them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from runref.artifacts.remote.filesystem import FsspecStore
from runref.artifacts.remote.options import RemoteInvalid, driver_options
from runref.artifacts.remote.place import Place
from runref.errors import RunrefError
from runref.model.credentials import without_credentials


class RemoteUnsupported(RunrefError):
    """The driver for a kind of remote is not installed, or cannot do what a remote needs."""

    code = "remote-unsupported"


_SAME = {
    "local": "file",
    "s3a": "s3",
    "gcs": "gs",
    "az": "abfs",
    "abfss": "abfs",
    "ssh": "sftp",
}
"""Protocols with two names."""

_PACKAGES = {
    "s3": ("s3fs", "s3fs"),
    "gs": ("gcsfs", "gcsfs"),
    "abfs": ("adlfs", "adlfs"),
    "oss": ("ossfs", "ossfs"),
    "oci": ("ocifs", "ocifs"),
    "sftp": ("paramiko", "runref[sftp]"),
    "smb": ("smbclient", "smbprotocol"),
    "hdfs": ("pyarrow", "pyarrow"),
    "webhdfs": ("requests", "requests"),
    "webdav": ("webdav4", "webdav4[fsspec]"),
}
"""What a protocol's driver imports, and what to install for it."""

_WHOLE_OBJECTS = frozenset({"s3", "gs", "abfs", "oss", "oci", "memory"})
"""Object stores: what is put there appears at once and whole. All others are file systems, where a
file is visible while it grows, and gets its name by a rename."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a remote is.

    Attributes:
        protocol: fsspec's name of the driver; one where it has several.
        url: As it was given.
        root: For ``file`` the absolute path; nothing for others, whose driver reads the URL.
        options: For the driver's constructor. May hold secrets: not for messages.
    """

    protocol: str
    url: str
    root: str
    options: Mapping[str, Any] = field(repr=False)


def open_remote(
    url: str, options: Mapping[str, Any] | None = None, *, name: str | None = None
) -> FsspecStore:
    """Return the store at a URL. Nothing is asked of it yet: it connects when it is first used.

    Args:
        url: A path, or any URL that fsspec has a driver for.
        options: For the driver. For S3 there are short names: ``endpoint_url``, ``region``,
            ``ca_bundle``, ``addressing_style``, ``profile`` and ``anonymous``.
        name: What messages call it; without one, the URL without credentials.

    Raises:
        RemoteInvalid: The URL or an option cannot be understood.
        RemoteUnsupported: The driver is not installed.
    """
    location = locate(url, options or {})
    _check_driver(location)
    return FsspecStore(name or without_credentials(url), lambda: _connect(location))


def locate(url: str, options: Mapping[str, Any]) -> Location:
    """Return where a remote is; touches neither disk nor network.

    Raises:
        RemoteInvalid: The URL or an option cannot be understood.
    """
    protocol = _protocol(url)
    if protocol == "file":
        return Location("file", url, _path(url), driver_options(protocol, options))
    parts = urlsplit(url)
    if "::" in url or not (parts.netloc or protocol == "memory"):
        raise RemoteInvalid(
            f"{without_credentials(url)} does not say where to put artifacts",
            hint="write it like s3://bucket/folder or sftp://host/path, or as a path",
        )
    _check_endpoint(options)
    return Location(protocol, url, "", driver_options(protocol, options))


def is_local(url: str) -> bool:
    """Tell whether a URL is a path of this machine's file systems, mounted ones included."""
    return _protocol(url) == "file"


def _protocol(url: str) -> str:
    scheme, separator, _rest = url.partition("://")
    if not separator:
        return "file"
    return _SAME.get(scheme.lower(), scheme.lower())


def _path(url: str) -> str:
    if "://" in url:
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost") or not parts.path:
            raise RemoteInvalid(
                f"{url} names a host, and file:// URLs only reach this machine",
                hint="write file:///folder with three slashes, or the path alone",
            )
        return os.path.normpath(unquote(parts.path))
    if not url:
        raise RemoteInvalid("a remote's URL is empty", hint="give a path, or a URL of fsspec")
    # An absolute path, whatever the working directory is when the store is used.
    return os.path.abspath(os.path.expanduser(url))  # noqa: PTH100, PTH111


def _check_endpoint(options: Mapping[str, Any]) -> None:
    endpoint = options.get("endpoint_url")
    if endpoint is not None and not str(endpoint).startswith(("http://", "https://")):
        raise RemoteInvalid(
            f"the remote's endpoint_url {endpoint} does not begin with http:// or https://",
            hint="write it like https://minio.lab:9000",
        )


def _check_driver(location: Location) -> None:
    from importlib.util import find_spec

    if location.protocol in _PACKAGES:
        module, package = _PACKAGES[location.protocol]
        if find_spec(module) is None:
            raise RemoteUnsupported(
                f"{location.protocol}:// needs the package {package}, which is not installed",
                hint=f"pip install '{package}'",
            )
        return
    if location.protocol in ("file", "memory"):
        return
    from fsspec import available_protocols

    if location.protocol not in available_protocols():
        raise RemoteUnsupported(
            f"no driver of fsspec is called {location.protocol}",
            hint="check the spelling of the URL, or install the driver's package",
        )


def _connect(location: Location) -> Place:
    if location.protocol == "file":
        from runref.artifacts.remote.disk import Disk

        return Disk(location.root)
    if location.protocol == "s3":
        from runref.artifacts.remote.s3 import connect as connect_s3

        return connect_s3(location.url, location.options)
    if location.protocol == "sftp":
        from runref.artifacts.remote.sftp import connect as connect_sftp

        return connect_sftp(location.url, location.options)
    fs, root = _driver(location)
    if location.protocol in _WHOLE_OBJECTS:
        from runref.artifacts.remote.objects import Memory, Objects

        return Memory(fs, root) if location.protocol == "memory" else Objects(fs, root)
    from runref.artifacts.remote.files import Files

    return Files(fs, root)


def _driver(location: Location) -> tuple[Any, str]:
    """Return fsspec's file system for a location, and its root there."""
    from fsspec import get_filesystem_class

    driver = get_filesystem_class(location.protocol)
    # The instance is ours alone: others share instances, and what they listed is remembered.
    options = {
        **driver._get_kwargs_from_urls(location.url),  # noqa: SLF001  # fsspec has no public name
        **location.options,
        "skip_instance_cache": True,
        "use_listings_cache": False,
    }
    return driver(**options), driver._strip_protocol(location.url).rstrip("/")  # noqa: SLF001
