"""On a terminal where there is no ``/dev/pts``, a command runs and is recorded all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

HIDDEN = "mount -t tmpfs none /dev/pts"


@pytest.mark.slow
def test_a_command_runs_where_the_system_has_no_pseudo_terminals(repo: Any) -> None:
    wrapper = ["unshare", "--mount", "sh", "-c", f'{HIDDEN} && exec "$0" "$@"']
    tried = subprocess.run([*wrapper, "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"/dev/pts cannot be hidden here: {tried.stderr!r}")
    ours, terminal = os.openpty()
    try:
        words = [sys.executable, "-m", "runref", "run", "--", "echo", "hello"]
        done = subprocess.run(
            [*wrapper, *words], cwd=repo.path, stdout=terminal, stderr=terminal, check=False
        )
        shown = os.read(ours, 1 << 16)
    finally:
        os.close(ours)
        os.close(terminal)
    assert done.returncode == 0, shown
    assert b"hello" in shown
    tree = repo.git("ls-tree", "-r", "--name-only", "refs/runref/runs", "runs")
    (console,) = (path for path in tree.split("\n") if path.endswith("console.log"))
    assert repo.git("show", f"refs/runref/runs:{console}") == "hello"
