"""Facts about the interpreter that runs this file: imported by runref, or run by another Python.

It uses the standard library only and no syntax newer than Python 3.7's, since the interpreter of a
user's command need neither have runref installed nor be able to run it.
"""

from __future__ import annotations

import json
import os
import sys


def facts() -> dict[str, object]:
    """Return implementation, version, build, places and search path of this interpreter.

    With them the folders of the packages that editable installs map, ``mapped``.
    """
    build, _, compiler = sys.version.partition("\n")[2].rpartition("\n")
    if not compiler:  # "3.11.7 (main, Jan  1 2024, 00:00:00) [GCC 12.2.0]" in one line
        build, _, compiler = sys.version.partition(" ")[2].rpartition(" [")
    return {
        "implementation": sys.implementation.name,
        "version": _version(),
        "build": build.strip("() \n"),
        "compiler": compiler.strip("[] \n"),
        "abi": "%s%s" % (sys.implementation.cache_tag, getattr(sys, "abiflags", "")),  # noqa: UP031
        "executable": sys.executable or "",
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "path": list(sys.path),
        "mapped": _mapped_folders(),
    }


def _mapped_folders() -> list[str]:
    """Return the parents of the packages that setuptools' finders of editable installs map.

    A finder that maps a package to a folder of another name, and import hooks of other build
    backends, cannot be said as a path and are not found.
    """
    found = []
    for name, module in list(sys.modules.items()):
        if not name.startswith("__editable__"):
            continue
        mapped = list(getattr(module, "MAPPING", {}).items())
        for package, paths in getattr(module, "NAMESPACES", {}).items():
            mapped += [(package, path) for path in paths]
        for package, path in mapped:
            # "pkg": "/work/src/pkg"; a module has no suffix either.
            if os.path.basename(path) == package:  # noqa: PTH119
                found.append(os.path.dirname(path))  # noqa: PTH120
    return found


def _version() -> str:
    version = sys.version_info
    number = ".".join(map(str, version[:3]))
    level = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(version.releaselevel)
    return number + level + str(version.serial) if level else number


if __name__ == "__main__":
    told = facts()
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    told["path"] = [folder for folder in sys.path if os.path.abspath(folder) != here]  # noqa: PTH100
    print(json.dumps(told))  # noqa: T201 - this is how a process answers
