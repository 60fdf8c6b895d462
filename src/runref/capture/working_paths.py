"""Which folders of a working tree Python imports from.

An editable install points at the working tree by absolute path. A reproduction that ran the same
interpreter on another checkout would import today's code from there, so the same folders of its own
checkout have to come first on its path.
"""

from __future__ import annotations

import os
from pathlib import Path

from runref.capture.environment.interpreter import Interpreter

_INSTALLED = frozenset({"site-packages", "dist-packages"})


def python_path_inside(root: Path, interpreter: Interpreter) -> list[str]:
    """Return the folders inside `root` from which an interpreter imports, relative to it.

    They are entries of its ``sys.path``, which hold what ``.pth`` files of editable installs added,
    and the parents of packages that setuptools' editable finders map. In the order of import, ``.``
    for `root` itself. Installed packages are left out also where a virtual environment lies inside
    `root`.
    """
    top = os.path.realpath(root)
    environment = os.path.realpath(interpreter.prefix)
    found: dict[str, None] = {}
    for folder in (*interpreter.search_path, *interpreter.mapped):
        inside = _inside(folder, top, environment)
        if inside is not None:
            found[inside] = None
    return list(found)


def _inside(folder: str, top: str, environment: str) -> str | None:
    real = os.path.realpath(folder or ".")
    relative = os.path.relpath(real, top)
    if relative == ".." or relative.startswith("../") or not Path(real).is_dir():
        return None
    if _INSTALLED.intersection(Path(relative).parts):
        return None
    environment_inside = environment != top and Path(environment).is_relative_to(top)
    if environment_inside and Path(real).is_relative_to(environment):
        return None
    return Path(relative).as_posix()
