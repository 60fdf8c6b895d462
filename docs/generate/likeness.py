"""Telling whether two outputs of one command say the same, apart from what changes in every run.

Ids, object names, times, durations and measurements differ each time a command runs. `general`
replaces them by their kind; `Renaming` remembers which documented id stands for which real one, so
that a later command of the same document can name it.
"""

from __future__ import annotations

import re

_RUN_ID = r"\d{8}-[0-9a-f]{12}"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:?\d\d:?\d\d\.?\d{6}Z"
_PATH = rf"\d{{4}}-\d\d/\d\d/[0-9a-f]/{_RUN_ID}"
_NAME = re.compile(rf"{_RUN_ID}|(?<!\.)\b[0-9a-f]{{7,64}}\b")
_GENERAL = (
    (re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}"), "<fingerprint>"),
    (re.compile(_TIME), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d [+-]\d{4})?"), "<time>"),
    (re.compile(_PATH), "<run path>"),
    (re.compile(r"(<time>-)[\w-]+(\.yaml)"), r"\1<writer>\2"),
    (re.compile(r"\b\d+-[0-9a-f]{8}\b(?=\.jsonl?)"), "<writer>"),
    (_NAME, "<name>"),
    (re.compile(r"^(⠶ .*)\b[0-9a-f]{4}$", re.MULTILINE), r"\1<name>"),  # a plot's legend
    (re.compile(r"\d+(\.\d+)? (?=s\b|packages\b|GiB free)"), "<number> "),
    (re.compile(r"packages \(\d+\)"), "packages (<number>)"),
    (re.compile(r"((?:duration|cpu_seconds|peak_memory|elapsed|size)\"?: ?)[\d.e-]+"), r"\1<n>"),
    (re.compile(r"(\bhost: |> on )\S+"), r"\1<host>"),
    (re.compile(r"Python \d\S*"), "Python <version>"),
    (re.compile(r"runref-\w{8}\b"), "<temporary>"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"[─━]+"), "─"),
)


def general(text: str) -> str:
    """Return `text` with everything that differs from run to run replaced by its kind."""
    for pattern, kind in _GENERAL:
        text = pattern.sub(kind, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


class Renaming:
    """Which documented name stands for which real one, in the commands of one document."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def learn(self, documented: str, real: str) -> None:
        """Pair the names of two outputs of one command.

        Where the command prints more or fewer than it did, nobody can tell which stands for which.
        """
        names, others = _NAME.findall(documented), _NAME.findall(real)
        pairs = zip(names if len(names) == len(others) else others, others, strict=True)
        for name, other in pairs:
            self._real.setdefault(name, other)

    def applied(self, command: str) -> str:
        """Return `command` with documented names, whole or shortened, replaced by the real ones."""
        command = re.sub(_PATH, self._path, command)
        return re.sub(rf"\b(?:{_RUN_ID}|[0-9a-f]{{4,64}})\b", self._name, command)

    def _path(self, found: re.Match[str]) -> str:
        run = self._real.get(found[0].rpartition("/")[2], "")
        if not run:
            return found[0]
        return f"{run[:4]}-{run[4:6]}/{run[6:8]}/{run[9]}/{run}"

    def _name(self, found: re.Match[str]) -> str:
        text = found[0]
        for documented, real in self._real.items():
            for cut in (0, 9):
                if documented[cut:].startswith(text):
                    return real[cut : cut + len(text)]
        return text
