"""Documents that execute: their console blocks are run, and their output is compared.

In a document, a fence with ``file=NAME`` is a file of the working tree, a fence of ``console`` has
commands (``$ command``, continued by ``> ``) and what they print, and a comment ``<!-- run: … -->``
is a command that is not shown. All are carried out in order, in one new git repository.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from likeness import Renaming, general

_PART = re.compile(
    r"^```(?P<kind>\w+)(?: file=(?P<file>\S+))?\n(?P<body>.*?)^```$"
    r"|^<!-- run: (?P<hidden>.*?) -->$",
    re.MULTILINE | re.DOTALL,
)
_COMMAND = re.compile(
    r"^\$ (?P<first>.*\n)(?P<more>(?:^> .*\n)*)(?P<output>(?:^(?!\$ ).*\n)*)", re.M
)
_KILLED = re.compile(r"^bash: line \d+: +\d+ (Killed).*$", re.MULTILINE)
"""What bash says of a killed command; a person's own shell says one word."""
_SHOWN_HOME = "/home/ada"
_TOOLS = {
    "python": f'exec "{sys.executable}" "$@"',
    "runref": f'exec "{sys.executable}" -I -m runref "$@"',
}


@dataclass(frozen=True)
class Difference:
    """A command whose output is no longer what the document says."""

    command: str
    documented: str
    real: str


class Shell:
    """A user's shell in a repository of its own.

    Args:
        folder: Empty folder to hold the home directory and, in it, the repository.
        name: Name of the repository.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._home = folder / "home"
        self._folder = self._home / name
        self._folder.mkdir(parents=True)
        tools = folder / "tools"
        tools.mkdir()
        for tool, line in _TOOLS.items():
            (tools / tool).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
            (tools / tool).chmod(0o755)
        (self._home / ".gitconfig").write_text(
            "[user]\nname = Ada Lovelace\nemail = ada@example.org\n[init]\ndefaultBranch = main\n",
            encoding="utf-8",
        )
        self._environ = {
            "HOME": str(self._home),
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PAGER": "cat",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
        }
        self.run("git init -q")

    def run(self, command: str) -> str:
        """Run one command and return what it prints, its folder shown below ``/home/ada``."""
        where = self._home / ".where"
        done = subprocess.run(
            ["bash", "-c", f'{command}\npwd > "{where}"'],
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if where.exists():
            self._folder = Path(where.read_text("utf-8").strip())
        output = done.stdout.decode().replace(str(self._home.resolve()), _SHOWN_HOME)
        output = _KILLED.sub(r"\1", output)
        return re.sub(r"[ \t]+$", "", output, flags=re.MULTILINE)

    def write(self, name: str, content: str) -> None:
        """Write one file of the working tree."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def play(text: str, folder: Path, name: str) -> tuple[str, list[Difference]]:
    """Carry out a document.

    Returns:
        The document with the output that its commands have now, and the differences from what it
        said; without differences, the document as it was.
    """
    shell, renaming, differences = Shell(folder, name), Renaming(), []
    fresh, end = [], 0
    for part in _PART.finditer(text):
        fresh.append(text[end : part.start()])
        end = part.end()
        if part["hidden"]:
            shell.run(part["hidden"])
        elif part["file"]:
            shell.write(part["file"], part["body"])
        elif part["kind"] == "console":
            body, found = _play_block(part["body"], shell, renaming)
            differences += found
            fresh.append(f"```console\n{body}```")
            continue
        fresh.append(part[0])
    fresh.append(text[end:])
    return ("".join(fresh) if differences else text), differences


def is_played(text: str) -> bool:
    """Tell whether a document has commands to carry out."""
    return any(part["kind"] == "console" for part in _PART.finditer(text))


def _play_block(body: str, shell: Shell, renaming: Renaming) -> tuple[str, list[Difference]]:
    lines, differences = [], []
    for shown, command, documented in _commands(body):
        real = shell.run(renaming.applied(command))
        if real and not real.endswith("\n"):
            real += "\n"
        lines.append(renaming.applied(shown) + real)
        if general(documented) != general(real):
            differences.append(Difference(command, documented, real))
        renaming.learn(documented, real)
    return "".join(lines), differences


def _commands(body: str) -> Iterator[tuple[str, str, str]]:
    """Yield each command of a block: as it is shown, as it is run, and what it printed."""
    for found in _COMMAND.finditer(body):
        more = re.sub(r"^> ", "", found["more"], flags=re.MULTILINE)
        shown = f"$ {found['first']}{found['more']}"
        yield shown, (found["first"] + more).rstrip("\n"), found["output"]
