"""``runref plot`` without a file, on real pseudo-terminals."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from typing import Any

import pytest
from tests.cli.test_terminal import Terminal

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day

PROGRAM = """\
import runref
for factor in (1, 2):
    with runref.init(console=False) as run:
        for step in range(3):
            run.log({"m": factor * step}, step=step)
"""


@pytest.fixture
def runs(repo: Any) -> Any:
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=repo.path, check=True)
    return repo


def shown(repo: Any, *argv: str, **environ: str) -> bytes:
    terminal = Terminal(repo.path, "plot", *argv, **environ)
    assert terminal.end() == 0, terminal.shown
    return terminal.shown


def test_a_terminal_with_images_is_sent_one(runs: Any) -> None:
    kitty = shown(runs, "m", TERM="xterm-kitty")
    pieces = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", kitty)
    assert pieces[0][0].startswith(b"a=T,f=100,q=2,c=")
    assert base64.b64decode(b"".join(data for _, data in pieces)).startswith(b"\x89PNG")
    iterm = shown(runs, "m", TERM_PROGRAM="iTerm.app", NO_COLOR="1")
    data = re.search(rb"\x1b\]1337;File=[^:]*:([^\x07]*)\x07", iterm)
    assert data
    assert base64.b64decode(data[1]).startswith(b"\x89PNG")


def test_any_other_terminal_is_sent_coloured_text(runs: Any) -> None:
    text = shown(runs, "m", LC_ALL="C.UTF-8", PYTHONUTF8="1").decode()
    assert "\x1b[34m" in text
    assert "\x1b[33m" in text
    assert re.search("[\u2801-\u28ff]", text)


def test_colours_can_be_declined(runs: Any) -> None:
    text = shown(runs, "m", NO_COLOR="1", PYTHONUTF8="1").decode()
    assert "\x1b" not in text
    assert "**" in text
    assert "oo" in text
