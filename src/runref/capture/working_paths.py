"""Which folders of a working tree Python imports from.

An editable install points at the working tree by absolute path. A reproduction that ran the same
interpreter on another checkout would import today's code from there, so the same folders of its own
checkout have to come first on its path.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

_INSTALLED = frozenset({"site-packages", "dist-packages"})


def python_path_inside(
    root: Path,
    *,
    search_path: Sequence[str] | None = None,
    modules: Mapping[str, ModuleType] | None = None,
    prefix: str = sys.prefix,
) -> list[str]:
    """Return the folders inside `root` from which this interpreter imports, relative to it.

    They are entries of ``sys.path``, which hold what ``.pth`` files of editable installs added, and
    the parents of packages that setuptools' editable finders map. In the order of import, ``.`` for
    `root` itself. Installed packages are left out also where a virtual environment lies inside
    `root`. A finder that maps a package to a folder of another name, and import hooks of other
    build backends, cannot be said as a path and are not found.
    """
    search_path = sys.path if search_path is None else search_path
    modules = sys.modules if modules is None else modules
    top = os.path.realpath(root)
    environment = os.path.realpath(prefix)
    found: dict[str, None] = {}
    for folder in (*search_path, *_mapped_folders(modules)):
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


def _mapped_folders(modules: Mapping[str, ModuleType]) -> Iterator[str]:
    for name, module in list(modules.items()):
        if not name.startswith("__editable__"):
            continue
        mapped = list(getattr(module, "MAPPING", {}).items())
        for package, paths in getattr(module, "NAMESPACES", {}).items():
            mapped += [(package, path) for path in paths]
        for package, path in mapped:
            if Path(path).name == package:  # "pkg": "/work/src/pkg"; a module has no suffix either
                yield str(Path(path).parent)
