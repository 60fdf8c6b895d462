"""Which way leads to another repository."""

from __future__ import annotations

from runref.git.program import git_path
from runref.git.repository import Repository
from runref.git.transport.nearby import Nearby, folder_of
from runref.git.transport.transport import Endpoint, Transport
from runref.model.credentials import without_credentials


def transport_to(name: str, repository: Repository) -> Transport:
    """Return the way to the repository that `name` means: a remote, a URL or a path.

    It is the git binary where there is one on ``PATH``, and dulwich otherwise.
    """
    url = repository.config(f"remote.{name}", "url") or name
    transport = _transport(name, url, repository)
    folder = folder_of(url, repository.root or repository.git_dir)
    return Nearby(transport, (folder, repository.common_dir)) if folder else transport


def _transport(name: str, url: str, repository: Repository) -> Transport:
    endpoint = Endpoint(name, without_credentials(url))
    program = git_path(repository.environ)
    if program:
        from runref.git.transport.binary import GitBinary

        directory = repository.root or repository.git_dir
        return GitBinary(program, endpoint, directory, repository.environ)
    from runref.git.transport.own import Dulwich

    push_url = repository.config(f"remote.{name}", "pushurl") or url
    return Dulwich(endpoint, url, push_url, repository)
