"""Which part of a command are the program's own arguments.

``python -m pkg.train --lr 0.1``, ``torchrun --nproc_per_node 2 train.py --lr 0.1`` and
``srun -n 4 python -u train.py --lr 0.1`` all have the arguments ``--lr 0.1``. Interpreters are read
by their own grammar. Launchers have too many options to know which of them take a value, so what
they start is found by its looks: the first interpreter, further launcher or script among their
arguments, else the first word that no option stands before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_PYTHON = re.compile(r"(?:python|pypy|graalpy)[0-9.]*t?w?(?:\.exe)?")
_PYTHON_TAKES_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_INTERPRETER = re.compile(
    "bash|sh|dash|zsh|ksh|fish|Rscript|julia|node|perl|ruby|lua|octave|ipython"
)
_SCRIPT = re.compile(r".+\.(?:py|pyc|pyz|pyw|sh|bash|zsh|R|r|jl|js|mjs|pl|rb|lua)")
_PYTHON_LAUNCHERS = frozenset({"torchrun", "accelerate", "deepspeed", "uv", "coverage"})
_LAUNCHER = re.compile(
    "torchrun|accelerate|deepspeed|horovodrun|coverage|uv"
    "|mpirun|mpiexec|mpiexec.hydra|orterun|prun|srun|jsrun|aprun|flux"
    "|poetry|pdm|hatch|pipenv|rye|pixi|conda|mamba|micromamba"
    "|docker|podman|apptainer|singularity"
    "|env|nohup|nice|ionice|time|timeout|stdbuf|setsid|numactl|taskset|chrt|xvfb-run|sudo"
    "|nsys|ncu|perf|strace|ltrace"
)
_SUBCOMMANDS = frozenset({"run", "launch", "exec", "profile", "record", "stat"})
_MODULE_LAUNCHERS = {
    "torch.distributed.run": "torchrun",
    "torch.distributed.launch": "torchrun",
    "accelerate.commands.launch": "torchrun",
    "coverage": "coverage",
}
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)


def program_arguments(argv: Sequence[str]) -> list[str]:
    """Return the arguments of the script, module or program that `argv` starts in the end.

    A command whose program cannot be told keeps everything after its first word.
    """
    words = list(argv)
    while words and _ASSIGNMENT.fullmatch(words[0]):  # env's NAME=value before the program
        words.pop(0)
    if not words:
        return []
    name = _name(words[0])
    if _PYTHON.fullmatch(name):
        return _after_python(words[1:])
    if _INTERPRETER.fullmatch(name):
        return _after_interpreter(words[1:])
    if _LAUNCHER.fullmatch(name):
        return _after_launcher(name, words[1:])
    return words[1:]


def is_python(program: str) -> bool:
    """Tell whether a program's name is that of a Python interpreter."""
    return _PYTHON.fullmatch(_name(program)) is not None


def _name(word: str) -> str:
    return re.split(r"[/\\]", word)[-1]


def _after_python(words: list[str]) -> list[str]:
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            return words[at + 2 :]
        if not word.startswith("-") or word == "-":
            return words[at + 1 :]
        if word in _PYTHON_TAKES_VALUE:
            at += 2
        elif word.startswith("--") or word[1] in "WX":
            at += 1
        elif (stop := re.search("[cm]", word)) is not None:  # -m may end a cluster: -um
            attached = word[stop.end() :]
            module = attached or (words[at + 1] if at + 1 < len(words) else "")
            rest = words[at + (1 if attached else 2) :]
            launcher = _MODULE_LAUNCHERS.get(module, "") if stop[0] == "m" else ""
            return _after_launcher(launcher, rest) if launcher else rest
        else:
            at += 1
    return []


def _after_interpreter(words: list[str]) -> list[str]:
    for at, word in enumerate(words):
        if word in {"-c", "-e"}:  # a text to run; what follows are its arguments
            return words[at + 2 :]
        if not word.startswith("-"):
            return words[at + 1 :]
    return []


def _after_launcher(launcher: str, words: list[str]) -> list[str]:
    if words and words[0] in _SUBCOMMANDS:
        words = words[1:]
    for at, word in enumerate(words):
        if launcher in _PYTHON_LAUNCHERS and word in {"-m", "--module"}:
            return words[at + 2 :]
        name = _name(word)
        if _PYTHON.fullmatch(name) or _INTERPRETER.fullmatch(name) or _LAUNCHER.fullmatch(name):
            return program_arguments(words[at:])
        if _SCRIPT.fullmatch(word) and not word.startswith("-"):
            return words[at + 1 :]
    for at, word in enumerate(words):
        free = not at or not words[at - 1].startswith("-") or words[at - 1] == "--"
        if free and not word.startswith("-") and not _ASSIGNMENT.fullmatch(word):
            return words[at + 1 :]
    return words
