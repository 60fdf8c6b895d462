from __future__ import annotations

from pathlib import Path

import pytest
from tests.servers.sshd import Sshd


@pytest.fixture
def ssh_home(sshd: Sshd, isolated_home: Path) -> Sshd:
    """The SSH server, which this test's home knows as ``box`` and by its address."""
    folder = isolated_home / ".ssh"
    folder.mkdir(mode=0o700)
    (folder / "known_hosts").write_text(sshd.known_hosts.read_text())
    (folder / "config").write_text(
        f"Host box 127.0.0.1\n  HostName {sshd.host}\n  IdentityFile {sshd.id}\n"
        f"Host box\n  Port {sshd.port}\n  User {sshd.user}\n"
    )
    return sshd
