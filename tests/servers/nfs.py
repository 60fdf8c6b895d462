"""An NFS server: nfs-ganesha, which needs neither the kernel's help nor any other service."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

from tests.servers.process import program, unavailable
from tests.servers.server import Server

# A remote procedure call, number 1, of version 4 of NFS by root: is there a folder "export"?
LOOK = struct.pack(
    ">21I6sxx",
    *(1, 0, 2, 100003, 4, 1),  # call 1, of version 2 of calls: program, its version, procedure
    *(1, 20, 0, 0, 0, 0, 0, 0, 0),  # caller: kind, length, stamp, no name, user, group; verifier
    *(0, 0, 2, 24, 15),  # no tag, minor version 0, two steps: take the root, look up
    *(6, b"export"),
)
FOUND = struct.pack(">7I", 1, 1, 0, 0, 0, 0, 0)  # reply 1: accepted, no verifier, done, found
LAST_FRAGMENT = 1 << 31


class NfsServer(Server):
    """Exports one folder over NFSv4 to this machine.

    Attributes:
        port: Its port.
        export: The folder that clients see, as this machine sees it.
    """

    def __init__(self, folder: Path) -> None:
        self.ganesha = program("ganesha.nfsd", "nfs-ganesha of Debian")
        if not list(Path("/usr/lib").glob("*/ganesha/libfsalvfs.so")):
            unavailable("nfs-ganesha cannot export folders: that comes with nfs-ganesha-vfs")
        if os.geteuid() != 0:
            unavailable("only root can export a folder with nfs-ganesha")
        super().__init__(folder)
        self.port = self.ports.numbers[0]
        self.export = folder / "export"
        self.export.mkdir()
        (folder / "recovery").mkdir()
        (folder / "ganesha.conf").write_text(self._settings(), "utf-8")

    def _settings(self) -> str:
        return dedent(f"""\
            NFS_CORE_PARAM {{
                Bind_addr = 127.0.0.1; NFS_Port = {self.port}; Protocols = 4;
                Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false;
            }}
            NFSV4 {{
                Graceless = true; Lease_Lifetime = 10; Grace_Period = 10; Minor_Versions = 0,1,2;
                RecoveryBackend = fs; RecoveryRoot = {self.folder / "recovery"};
                Only_Numeric_Owners = true;
            }}
            NFS_KRB5 {{ Active_krb5 = false; }}
            EXPORT {{
                Export_Id = 1; Path = {self.export}; Pseudo = /export; Protocols = 4;
                Transports = TCP; SecType = sys; Access_Type = RW; Squash = No_Root_Squash;
                FSAL {{ Name = VFS; }}
            }}
            LOG {{ Default_Log_Level = EVENT; }}
            """)

    def command(self) -> Sequence[str]:
        return [
            *(self.ganesha, "-F"),
            *("-f", str(self.folder / "ganesha.conf")),
            *("-L", "STDOUT"),
            *("-p", str(self.folder / "ganesha.pid")),
        ]

    def trouble(self) -> str:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(struct.pack(">I", LAST_FRAGMENT | len(LOOK)) + LOOK)
                answer = connection.recv(len(FOUND) + 4, socket.MSG_WAITALL)
        except OSError as error:
            return str(error)
        return "" if answer[4:] == FOUND else f"its export is not there: {answer[4:].hex(' ', 4)}"
