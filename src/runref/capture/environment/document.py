"""The environment of a run, as one plain document.

Equal environments are equal byte for byte, and so are one blob in the repository: nothing in the
document changes from run to run, everything is sorted, and which host it was stands in the record
instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runref.capture.environment.accelerators import accelerators
from runref.capture.environment.conda_packages import conda_packages
from runref.capture.environment.container import container
from runref.capture.environment.hardware import memory, processor
from runref.capture.environment.interpreter import Interpreter, this_interpreter
from runref.capture.environment.libraries import numerical_libraries
from runref.capture.environment.operating_system import operating_system
from runref.capture.environment.packages import installed_packages


def capture_environment(
    environ: Mapping[str, str],
    *,
    interpreter: Interpreter | None = None,
    root: Path = Path("/"),
) -> dict[str, object]:
    """Return what a run runs on: interpreter, packages, system and hardware.

    Nothing is imported that the program has not imported itself, and no process is started.

    Args:
        environ: Environment variables: the home directory, containers, the CUDA toolkit.
        interpreter: What runs, see `interpreter_of`; this one if it is not given.
        root: Where the file system to look at begins.
    """
    home = environ.get("HOME", "")
    python = interpreter or this_interpreter(home=home)
    packages = installed_packages(python.search_path, home=home)
    names = {str(package["name"]) for package in packages}
    document: dict[str, object] = {
        "python": python.description,
        "packages": packages,
        "conda_packages": conda_packages(python.prefix, names),
        "libraries": numerical_libraries(python.search_path),
        "os": operating_system(root),
        "container": container(environ, root, home=home),
        "cpu": processor(root),
        "memory": memory(),
        **accelerators(environ, root),
    }
    return {key: _sorted(value) for key, value in document.items() if value}


def _sorted(value: object) -> object:
    return {key: value[key] for key in sorted(value)} if isinstance(value, dict) else value
