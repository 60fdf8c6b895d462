"""What tells the files apart that several people add to the history at the same time."""

from __future__ import annotations

import secrets
import socket


def writer_name() -> str:
    """Return the name of this machine, as far as a file name can hold it, and eight digits."""
    host = "".join(char for char in socket.gethostname() if char.isalnum() or char == "-")
    return f"{host[:32]}-{secrets.token_hex(4)}"
