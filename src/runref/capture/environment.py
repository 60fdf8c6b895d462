"""The environment of a run, as one plain document.

Equal environments are equal byte for byte, and so are one blob in the repository: nothing in the
document changes from run to run, everything is sorted, and which host it was stands in the record
instead.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from runref.capture.accelerators import accelerators
from runref.capture.conda_packages import conda_packages
from runref.capture.container import container
from runref.capture.hardware import memory, processor
from runref.capture.interpreter import interpreter
from runref.capture.libraries import numerical_libraries
from runref.capture.operating_system import operating_system
from runref.capture.packages import installed_packages


def capture_environment(
    environ: Mapping[str, str],
    *,
    search_path: Sequence[str] | None = None,
    prefix: Path | None = None,
    root: Path = Path("/"),
) -> dict[str, object]:
    """Return what this process runs in: interpreter, packages, system and hardware.

    No process is started and nothing is imported that the program has not imported itself.

    Args:
        environ: Environment variables: the home directory, containers, the CUDA toolkit.
        search_path: Folders with packages; ``sys.path`` if not given.
        prefix: Root of the Python environment, for conda; ``sys.prefix`` if not given.
        root: Where the file system to look at begins.
    """
    search_path = list(sys.path if search_path is None else search_path)
    home = environ.get("HOME", "")
    packages = installed_packages(search_path, home=home)
    names = {str(package["name"]) for package in packages}
    document: dict[str, object] = {
        "python": interpreter(home=home),
        "packages": packages,
        "conda_packages": conda_packages(prefix or Path(sys.prefix), names),
        "libraries": numerical_libraries(search_path),
        "os": operating_system(root),
        "container": container(environ, root, home=home),
        "cpu": processor(root),
        "memory": memory(),
        **accelerators(environ, root),
    }
    return {key: _sorted(value) for key, value in document.items() if value}


def _sorted(value: object) -> object:
    return {key: value[key] for key in sorted(value)} if isinstance(value, dict) else value
