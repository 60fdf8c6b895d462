"""Records in another repository than the code: ``store: {repository: …}`` in the settings.

For forges that take no refs but branches and tags, and for large shared repositories whose owners
want no further objects in them.
"""

from __future__ import annotations

from pathlib import Path

from runref.errors import ExitStatus, RunrefError
from runref.git.making import make_bare
from runref.git.repository import Repository
from runref.model.credentials import without_credentials

_FOLDER = "records.git"


class AnotherStore(RunrefError):
    """The settings name another place for the records than this clone has them from."""

    code = "another-store"
    exit_status = ExitStatus.USAGE


def repository_apart(code: Repository, named: str) -> Repository:
    """Return the repository that the settings name for the records of `code`.

    A path is relative to the root of the working tree. A URL gets a bare repository of its own in
    the git directory, made when it is first used, whose remote origin it is: records are made
    there without a network, and `runref push` and `pull` exchange them with the URL.

    Args:
        code: The repository of the code.
        named: What the settings say.

    Raises:
        NotARepository: there is none at the path.
        AnotherStore: the URL in the settings has changed.
        CannotWrite: the bare repository cannot be made.
    """
    if not _is_url(named):
        path = Path(named).expanduser()
        return Repository.open((code.root or code.git_dir) / path, environ=code.environ)
    path = code.common_dir / "runref" / _FOLDER
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        make_bare(path, named)
    found = Repository.open(path, environ=code.environ)
    url = found.config("remote.origin", "url") or ""
    if url != named:
        raise AnotherStore(
            f"{path} holds the records of {without_credentials(url)}, not of {named}",
            hint=f"If it has moved: `git -C {path} remote set-url origin {named}`.",
        )
    return found


def _is_url(named: str) -> bool:
    """Tell a URL, or ``host:path`` as ssh has it, from a path."""
    before, colon, _ = named.partition(":")
    return bool(colon) and "/" not in before
