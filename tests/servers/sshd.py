"""OpenSSH's server, for a key that it knows."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

from tests.servers.process import program
from tests.servers.server import Server


class Sshd(Server):
    """An SSH server for this user, by key only, on ``127.0.0.1``.

    Attributes:
        host: The address.
        port: Its port.
        user: Who may log in.
        id: A private key that is let in.
        id_other: One that is not.
        known_hosts: Names the server's key.
        config: For `ssh -F`: the server is called ``box`` there.
    """

    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self.sshd = program("sshd", "openssh-server of Debian")
        keygen = program("ssh-keygen", "openssh-client of Debian")
        super().__init__(folder)
        self.port = self.ports.numbers[0]
        self.user = getpass.getuser()
        self.id, self.id_other, host_key = (
            folder / name for name in ("id", "id_other", "host_key")
        )
        for key in (self.id, self.id_other, host_key):
            subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.known_hosts = folder / "known_hosts"
        public = " ".join(host_key.with_suffix(".pub").read_text().split()[:2])
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {public}\n")
        (folder / "authorized_keys").write_text(self.id.with_suffix(".pub").read_text())
        (folder / "sshd_config").write_text(self._server_settings(host_key))
        self.config = folder / "ssh_config"
        self.config.write_text(self.client_settings(f"box {self.host}", self.id))

    def _server_settings(self, host_key: Path) -> str:
        return dedent(f"""\
            ListenAddress {self.host}
            Port {self.port}
            HostKey {host_key}
            AuthorizedKeysFile {self.folder / "authorized_keys"}
            PidFile {self.folder / "sshd.pid"}
            UsePAM no
            StrictModes no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            AllowUsers {self.user}
            PermitUserEnvironment no
            AcceptEnv GIT_PROTOCOL
            PrintMotd no
            MaxStartups 100
            MaxSessions 100
            Subsystem sftp internal-sftp
            """)

    def client_settings(self, name: str, key: Path) -> str:
        """Return what makes `name` this server in a configuration of ssh, entered with a key."""
        return dedent(f"""\
            Host {name}
              HostName {self.host}
              Port {self.port}
              User {self.user}
              IdentityFile {key}
              IdentitiesOnly yes
              UserKnownHostsFile {self.known_hosts}
              StrictHostKeyChecking yes
              BatchMode yes
            """)

    def command(self) -> Sequence[str]:
        return [self.sshd, "-D", "-e", "-f", str(self.folder / "sshd_config")]

    def start(self) -> None:
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd insists on it when root starts it.
        super().start()

    def trouble(self) -> str:
        try:
            with socket.create_connection((self.host, self.port), timeout=5) as connection:
                greeting = connection.recv(64)
        except OSError as error:
            return str(error)
        return "" if greeting.startswith(b"SSH-2.0-") else f"greets with {greeting!r}"
