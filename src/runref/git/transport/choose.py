"""Which way leads to another repository."""

from __future__ import annotations

from runref.git.program import git_path
from runref.git.repository import Repository
from runref.git.transport.transport import Transport, endpoint_of


def transport_to(name: str, repository: Repository) -> Transport:
    """Return the way to the repository that `name` means: a remote, a URL or a path.

    It is the git binary where there is one on ``PATH``, and dulwich otherwise.
    """
    urls = {name: url} if (url := repository.config(f"remote.{name}", "url")) else {}
    endpoint = endpoint_of(name, urls)
    program = git_path(repository.environ)
    if program:
        from runref.git.transport.binary import GitBinary

        directory = repository.root or repository.git_dir
        return GitBinary(program, endpoint, directory, repository.environ)
    from runref.git.transport.own import Dulwich

    url = urls.get(name, name)
    push_url = repository.config(f"remote.{name}", "pushurl") or url
    return Dulwich(endpoint, url, push_url, repository)
