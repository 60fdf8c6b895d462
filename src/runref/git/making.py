"""Making an empty bare repository, for records that live apart from the code."""

from __future__ import annotations

import os
from pathlib import Path

from runref.git.files import Sharing, make_folders, writing

_SETTINGS = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[remote "origin"]
\turl = {url}
"""


def make_bare(path: Path, url: str) -> None:
    """Make a bare repository that has one remote, origin; it appears complete or not at all.

    One that another process makes at the same time is as good.

    Args:
        path: Where; its parent must exist.
        url: Where origin is.

    Raises:
        CannotWrite: the system refused it.
    """
    unfinished = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    with writing(str(path)):
        for name in ("objects/info", "objects/pack", "refs/heads"):
            make_folders(str(unfinished / name), Sharing())
        (unfinished / "HEAD").write_text("ref: refs/heads/main\n", encoding="ascii")
        quoted = '"' + url.replace("\\", "\\\\").replace('"', '\\"') + '"'
        settings = _SETTINGS.format(url=quoted)
        (unfinished / "config").write_text(settings, encoding="utf-8", errors="surrogateescape")
        try:
            unfinished.rename(path)
        except OSError:
            if not (path / "HEAD").exists():
                raise
            _remove(unfinished)


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)
