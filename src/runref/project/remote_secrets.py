"""What of a remote's settings is neither committed nor shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runref.errors import ExitStatus, RunrefError
from runref.model.credentials import credentials_in, without_credentials
from runref.project.config import RemoteSettings

_MASK = "***"


class SecretInSettings(RunrefError):
    """A settings file that is committed holds a credential, or is asked to."""

    code = "secret-in-settings"
    exit_status = ExitStatus.USAGE


def secrets_in(settings: RemoteSettings) -> tuple[str, ...]:
    """Return the names of what must not stand in a committed file."""
    found = credentials_in(settings.url, settings.options)
    if not found and without_credentials(settings.url) != settings.url:
        found.append("query of the URL")
    return (*found, *_urls_with_passwords(settings.options))


def masked(options: Mapping[str, object]) -> dict[str, object]:
    """Return options with ``***`` in the place of what looks secret."""
    return {name: _masked(name, value) for name, value in options.items()}


def _masked(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return masked(value)
    if credentials_in("", {name: value}):
        return _MASK
    return without_credentials(value) if isinstance(value, str) else value


def _urls_with_passwords(options: Mapping[str, object]) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in _urls_with_passwords(value))
        elif isinstance(value, str) and credentials_in(value, {}):
            yield name
