"""Images in the terminal: the graphics protocols of kitty and of iTerm2.

https://sw.kovidgoyal.net/kitty/graphics-protocol/ and https://iterm2.com/documentation-images.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Literal

Protocol = Literal["kitty", "iterm2"]

_CHUNK = 4096
"""Bytes of base64 that kitty takes in one escape sequence."""


def protocol_of(environ: Mapping[str, str]) -> Protocol | None:
    """Return how the terminal is sent images, or none where it shows none.

    Between us and the terminal, tmux and screen let neither protocol through.
    """
    term = environ.get("TERM", "")
    program = environ.get("TERM_PROGRAM", "")
    if environ.get("TMUX") or term.startswith(("tmux", "screen")) or term == "dumb":
        return None
    if environ.get("KITTY_WINDOW_ID") or term in ("xterm-kitty", "xterm-ghostty"):
        return "kitty"
    if program.lower() == "ghostty":
        return "kitty"
    return "iterm2" if program in ("iTerm.app", "WezTerm") else None


def escape_sequence(png: bytes, protocol: Protocol, columns: int) -> str:
    """Return what shows a picture at the cursor.

    Args:
        png: The picture.
        protocol: What the terminal understands.
        columns: How many places wide it is shown; its height follows.
    """
    data = b64encode(png).decode()
    if protocol == "iterm2":
        how = f"inline=1;size={len(png)};width={columns};preserveAspectRatio=1"
        return f"\x1b]1337;File={how}:{data}\x07"
    pieces = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    shown = []
    for number, piece in enumerate(pieces):
        # a=T: show at once; f=100: PNG; q=2: answer nothing, which would look like typed text.
        first = f"a=T,f=100,q=2,c={columns}," if number == 0 else ""
        more = int(number < len(pieces) - 1)
        shown.append(f"\x1b_G{first}m={more};{piece}\x1b\\")
    return "".join(shown)
