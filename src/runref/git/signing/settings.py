# Text paths: what git's configuration holds is text, and "~" is the home of the given environment.
# ruff: noqa: PTH118
"""What git's configuration says about signing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from runref.git.config import Config, home_of, user_config

SSH, GPG = "ssh", "gpg"

_FORMATS = {"openpgp": GPG, "ssh": SSH}


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSettings:
    """How this user signs, and whom they trust.

    Attributes:
        format: ``ssh`` or ``gpg``; another ``gpg.format`` as it is written.
        key: ``user.signingKey``: of ssh a path or a literal key, of gpg a key id; may be empty.
        identity: ``Name <mail>``, by which gpg finds a key where none is named.
        ssh_program: ``gpg.ssh.program``.
        gpg_program: ``gpg.openpgp.program`` or ``gpg.program``.
        key_command: ``gpg.ssh.defaultKeyCommand``.
        allowed_signers: ``gpg.ssh.allowedSignersFile``; empty where none is set.
        revoked_keys: ``gpg.ssh.revocationFile``; empty where none is set.
        minimum_trust: ``gpg.minTrustLevel`` in lower case; empty where none is set.
        environ: Environment of the programs.
    """

    format: str
    key: str
    identity: str
    ssh_program: str
    gpg_program: str
    key_command: str
    allowed_signers: str
    revoked_keys: str
    minimum_trust: str
    environ: Mapping[str, str]


def settings_of(
    config: Config, environ: Mapping[str, str], identity: str, base: str
) -> SigningSettings:
    """Read the settings.

    Args:
        config: Git's configuration.
        environ: Environment variables; those of the programs, too.
        identity: ``Name <mail>``.
        base: Folder that relative paths are relative to.
    """
    home = home_of(environ)

    def value(section: str, name: str, usual: str = "") -> str:
        return config.get(section, name) or usual

    def path(section: str, name: str) -> str:
        return _absolute(value(section, name), home, base)

    kind = value("gpg", "format", "openpgp").lower()
    key = value("user", "signingKey")
    if kind == "ssh" and key and literal_key(key) is None:
        key = _absolute(key, home, base)
    gpg_program = value("gpg.openpgp", "program") or value("gpg", "program", "gpg")
    return SigningSettings(
        format=_FORMATS.get(kind, kind),
        key=key,
        identity=identity,
        ssh_program=_with_home(value("gpg.ssh", "program", "ssh-keygen"), home),
        gpg_program=_with_home(gpg_program, home),
        key_command=value("gpg.ssh", "defaultKeyCommand"),
        allowed_signers=path("gpg.ssh", "allowedSignersFile"),
        revoked_keys=path("gpg.ssh", "revocationFile"),
        minimum_trust=value("gpg", "minTrustLevel").lower(),
        environ=environ,
    )


def user_settings(environ: Mapping[str, str]) -> SigningSettings:
    """Read what counts outside repositories, by which a signature can be checked."""
    return settings_of(user_config(environ), environ, "", home_of(environ))


def literal_key(text: str) -> str | None:
    """Return the public key that ``key::…`` or ``ssh-…`` holds; none where `text` is a path."""
    if text.startswith("key::"):
        return text.removeprefix("key::")
    return text if text.startswith("ssh-") else None


def _absolute(text: str, home: str, base: str) -> str:
    return os.path.join(base, _with_home(text, home)) if text else ""


def _with_home(text: str, home: str) -> str:
    return home + text[1:] if text.startswith("~/") else text
