"""The Python interpreter of a run: this one, or the one that a command starts."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runref.capture.command.command_line import is_python
from runref.capture.environment import probe
from runref.capture.environment.folded_home import folded

_PROBE_SECONDS = 20.0
_SHEBANG_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One Python interpreter.

    Attributes:
        description: Implementation, exact build and place, for the record.
        prefix: Root of its environment.
        search_path: Folders from which it imports.
        mapped: Folders of packages that it imports through setuptools' finders of editable
            installs.
    """

    description: dict[str, object]
    prefix: Path
    search_path: tuple[str, ...]
    mapped: tuple[str, ...] = ()


def interpreter_of(argv: Sequence[str], environ: Mapping[str, str]) -> Interpreter:
    """Return the interpreter that a command starts; this one where it starts none, or none other.

    No process is started unless it is another one: that one is asked.

    Args:
        argv: The command; empty where this process itself is what runs.
        environ: Its environment.
    """
    other = other_interpreter(argv, environ)
    if other:
        return interpreter_at(other, environ)
    return this_interpreter(home=environ.get("HOME", ""))


def this_interpreter(*, home: str) -> Interpreter:
    """Return the interpreter that runs this process.

    Its ``executable`` and ``prefix`` are absolute, with the home directory written ``~``.
    """
    return _interpreter(probe.facts(), home)


def interpreter_at(executable: str, environ: Mapping[str, str]) -> Interpreter:
    """Return another interpreter by asking it; one that does not answer is described as such.

    Args:
        executable: Its file.
        environ: Environment in which it is asked, since ``PYTHONPATH`` and others decide over what
            it imports.
    """
    import subprocess

    try:
        done = subprocess.run(
            [executable, probe.__file__],
            env=dict(environ),
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=True,
        )
        return _interpreter(json.loads(done.stdout), environ.get("HOME", ""))
    except (OSError, ValueError, KeyError, subprocess.SubprocessError):
        described: dict[str, object] = {
            "executable": executable,
            "problem": "it does not answer as a Python",
        }
        return Interpreter(described, Path(executable).parent.parent, ())


def other_interpreter(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the file of the Python that `argv` starts, where it is not the one that runs this.

    That is the program itself, or the one in the first line of a script such as ``torchrun``; empty
    where it cannot be told, or is of the same environment as this one.
    """
    program = shutil.which(argv[0], path=environ.get("PATH")) if argv else None
    if program is None:
        return ""
    if not is_python(argv[0]):
        program = _python_of_script(program)
    if not program or _folder(program) == _folder(sys.executable):
        return ""
    return program


def _folder(executable: str) -> str:
    # The file itself is often a link to the base interpreter, and only its folder tells them apart.
    return os.path.realpath(Path(executable).parent)


def _python_of_script(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            line = file.readline(_SHEBANG_LIMIT)
    except OSError:
        return ""
    words = os.fsdecode(line[2:]).split() if line.startswith(b"#!") else []
    return words[0] if words and is_python(words[0]) else ""


def _interpreter(facts: Mapping[str, object], home: str) -> Interpreter:
    prefix, path = str(facts["prefix"]), facts["path"]
    named = ("implementation", "version", "build", "compiler", "abi")
    description: dict[str, object] = {name: facts[name] for name in named}
    description["executable"] = folded(str(facts["executable"]), home)
    description["prefix"] = folded(prefix, home)
    description["environment"] = _environment(Path(prefix), str(facts["base_prefix"]))
    search_path = tuple(map(str, path)) if isinstance(path, list) else ()
    mapped = facts["mapped"]
    folders = tuple(map(str, mapped)) if isinstance(mapped, list) else ()
    return Interpreter(description, Path(prefix), search_path, folders)


def _environment(prefix: Path, base_prefix: str) -> dict[str, object]:
    """Return the kind of environment that `prefix` is, and its name."""
    if (prefix / "conda-meta").is_dir():
        named = prefix.parent.name == "envs"
        return {"kind": "conda", "name": prefix.name if named else "base"}
    if str(prefix) == base_prefix:
        return {"kind": "none"}
    try:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        settings = ""
    keys = {line.partition("=")[0].strip() for line in settings.splitlines()}
    kind = next((each for each in ("uv", "virtualenv") if each in keys), "venv")
    return {"kind": kind, "name": prefix.name}
