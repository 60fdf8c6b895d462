"""Connecting to SSH servers as ``ssh`` would, and to no others.

A host whose key is not in ``known_hosts`` is refused: fsspec's own driver takes whatever key it is
shown, so that anybody between here and there could read what is pushed and answer what is pulled.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from runref.artifacts.remote.failures import RemoteUntrusted
from runref.artifacts.remote.options import RemoteInvalid

_TIMEOUT = 30
"""Seconds for each of: the connection, the server's greeting, the login."""
_ALIVE = 30
"""Seconds after which an idle connection is shown to be in use, to firewalls that forget."""

_OPTIONS = frozenset(
    {
        *("host", "port", "username", "password", "passphrase", "key_filename"),
        *("ssh_config", "known_hosts"),
    }
)


def connect(options: Mapping[str, Any]) -> Any:
    """Return a paramiko client that is logged in to a host.

    ``~/.ssh/config`` applies (HostName, Port, User, IdentityFile, IdentitiesOnly, ProxyJump,
    ProxyCommand, UserKnownHostsFile), and so do the SSH agent and the keys in ``~/.ssh``. Nobody is
    asked for a password.

    Args:
        options: ``host``, and where they differ from the configuration ``port``, ``username``,
            ``key_filename``, ``password``, ``passphrase``, and the paths ``ssh_config`` and
            ``known_hosts``.

    Raises:
        RemoteUntrusted: The host's key is not known, or another one is.
        RemoteInvalid: There is no such option.
    """
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise RemoteInvalid(
            f"SFTP remotes have no option {', '.join(unknown)}",
            hint=f"there are {', '.join(sorted(_OPTIONS))}",
        )
    return _connect(options, _settings(options, str(options["host"])), jumps=())


def _connect(
    options: Mapping[str, Any], settings: Mapping[str, Any], jumps: tuple[str, ...]
) -> Any:
    from paramiko import BadHostKeyException, SSHClient

    host, port = settings["hostname"], int(options.get("port") or settings.get("port", 22))
    user = options.get("username") or settings.get("user") or getpass.getuser()
    client = SSHClient()
    for path in _known_hosts(options, settings):
        with suppress(FileNotFoundError):
            client.load_system_host_keys(str(path))
    client.set_missing_host_key_policy(_refuser(host, port))
    identities = _identities(options, settings)
    only = settings.get("identitiesonly") == "yes"
    try:
        client.connect(
            host,
            port,
            user,
            password=options.get("password"),
            passphrase=options.get("passphrase"),
            key_filename=identities,
            allow_agent=not only,
            look_for_keys=not identities,
            sock=_proxy(options, settings, (host, port), jumps),
            timeout=_TIMEOUT,
            banner_timeout=_TIMEOUT,
            auth_timeout=_TIMEOUT,
        )
    except BadHostKeyException as error:
        client.close()
        raise RemoteUntrusted(
            f"{host} shows another host key than the known one",
            hint=f"find out why; if its key was renewed: ssh-keygen -R {_spelled(host, port)}",
        ) from error
    except BaseException:
        client.close()
        raise
    client.get_transport().set_keepalive(_ALIVE)
    return client


def _settings(options: Mapping[str, Any], host: str) -> dict[str, Any]:
    """Return what the user's configuration says of a host, by lower-case names."""
    from paramiko import SSHConfig

    path = Path(options.get("ssh_config") or "~/.ssh/config").expanduser()
    if not path.is_file():
        return {"hostname": host}
    return dict(SSHConfig.from_path(str(path)).lookup(host))


def _known_hosts(options: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Path]:
    if options.get("known_hosts"):
        return [Path(str(options["known_hosts"])).expanduser()]
    users = settings.get("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")
    everybodys = settings.get("globalknownhostsfile", "/etc/ssh/ssh_known_hosts")
    return [Path(path).expanduser() for path in f"{users} {everybodys}".split()]


def _identities(options: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    named = options.get("key_filename")
    if named:
        return [os.fspath(Path(str(named)).expanduser())]
    # As ssh does, one that is configured but not there is passed over.
    paths = [Path(path).expanduser() for path in settings.get("identityfile", ())]
    return [os.fspath(path) for path in paths if path.is_file()]


def _proxy(
    options: Mapping[str, Any],
    settings: Mapping[str, Any],
    target: tuple[str, int],
    jumps: tuple[str, ...],
) -> Any:
    """Return what leads to the host where that is not the network itself."""
    jump = settings.get("proxyjump", "none")
    if jump != "none":
        return _through(options, jump, target, jumps)
    command = settings.get("proxycommand", "none")
    if command != "none":
        from paramiko import ProxyCommand

        return ProxyCommand(command)
    return None


def _through(
    options: Mapping[str, Any], jump: str, target: tuple[str, int], jumps: tuple[str, ...]
) -> Any:
    """Return a channel to the target from the last of the hosts that lead there."""
    *before, last = jump.split(",")
    if last in jumps:
        raise RemoteInvalid(
            f"the ProxyJump to {target[0]} leads over {last} twice", hint="correct ~/.ssh/config"
        )
    user, _, address = last.rpartition("@")
    host, _, port = address.partition(":")
    settings = _settings(options, host)
    if before:
        settings["proxyjump"] = ",".join(before)
    paths = {name: options[name] for name in ("ssh_config", "known_hosts") if name in options}
    client = _connect({**paths, "username": user, "port": port}, settings, (*jumps, last))
    channel = client.get_transport().open_channel("direct-tcpip", target, ("127.0.0.1", 0))
    channel.runref_client = client  # or the connection below would be closed as garbage
    return channel


def _refuser(host: str, port: int) -> Any:
    from paramiko import MissingHostKeyPolicy

    class Refuser(MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko may not be installed
        def missing_host_key(self, client: Any, hostname: str, key: Any) -> NoReturn:
            del client, hostname
            raise RemoteUntrusted(
                f"the host key of {host} ({key.get_name()} {key.fingerprint}) is not known",
                hint=f"compare it, and connect once with: ssh {_arguments(host, port)}",
            )

    return Refuser()


def _spelled(host: str, port: int) -> str:
    return host if port == 22 else f"'[{host}]:{port}'"


def _arguments(host: str, port: int) -> str:
    return host if port == 22 else f"-p {port} {host}"
