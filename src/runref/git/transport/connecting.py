"""The client that dulwich has for a URL, with the settings that git would heed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from runref.git.repository import Repository

if TYPE_CHECKING:
    from dulwich.client import GitClient
    from dulwich.config import StackedConfig


@contextmanager
def connected(
    url: str, repository: Repository, operation: Literal["pull", "push"]
) -> Iterator[tuple[GitClient, str]]:
    """Return a client for a repository, and the path that it has there.

    Args:
        url: A URL or a path, as it stands in the configuration.
        repository: Ours, whose settings count: other names of servers, certificates, proxies, ssh.
        operation: What is to be done.
    """
    from dulwich.client import get_transport_and_path

    if "://" not in url and ":" not in url:
        url = str((repository.root or repository.git_dir) / url)
    environ = repository.environ
    client, path = get_transport_and_path(
        url,
        config=_settings(repository),
        operation=operation,
        ssh_command=environ.get("GIT_SSH_COMMAND") or environ.get("GIT_SSH"),
        thin_packs=False,
        quiet=True,
    )
    try:
        yield client, path
    finally:
        client.close()


def _settings(repository: Repository) -> StackedConfig:
    """Return git's configuration, under what the environment says of certificates."""
    from dulwich.config import ConfigFile, StackedConfig

    told = ConfigFile()
    if authority := repository.environ.get("GIT_SSL_CAINFO"):
        told.set((b"http",), b"sslCAInfo", os.fsencode(authority))
    return StackedConfig([told, *repository.settings.layers])
