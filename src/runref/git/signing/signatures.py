"""Making and checking a signature, of whichever format."""

from __future__ import annotations

from runref.git.signing import gpg, ssh
from runref.git.signing.finding import Finding
from runref.git.signing.programs import CannotSign
from runref.git.signing.settings import GPG, SSH, SigningSettings

_ARMOUR = {
    "-----BEGIN SSH SIGNATURE-----": SSH,
    "-----BEGIN PGP SIGNATURE-----": GPG,
    "-----BEGIN PGP MESSAGE-----": GPG,
}


def sign(settings: SigningSettings, data: bytes, namespace: str, *, may_ask: bool) -> str:
    """Return a detached signature over `data`, as text in armour.

    Args:
        settings: Format, key and programs.
        data: What is signed.
        namespace: What the signature is for, where the format knows namespaces (ssh).
        may_ask: Whether a program may ask for a passphrase and take its time. Otherwise a key that
            needs one is unusable, and so is a program that does not end within seconds.

    Raises:
        CannotSign: The key cannot be used, or the format is another one.
        NoSigningKey: No key is configured.
        SigningProgramMissing: The program is not installed.
    """
    if settings.format == SSH:
        return ssh.sign(settings, data, namespace, may_ask=may_ask)
    if settings.format == GPG:
        return gpg.sign(settings, data, may_ask=may_ask)
    raise CannotSign(
        f"gpg.format is {settings.format!r}, and runref signs by ssh and gpg",
        hint="`git config gpg.format ssh` and `git config user.signingKey FILE` name an ssh key.",
    )


def check(
    settings: SigningSettings, data: bytes, signature: str, namespace: str, time: int
) -> Finding:
    """Return what a signature over `data` is worth; that a program is missing is an answer, too.

    Args:
        settings: Programs, and whom to trust.
        data: What should have been signed.
        signature: Text in armour; its first line tells the format.
        namespace: What it has to be for, where the format knows namespaces.
        time: When it says it was made, in Unix seconds: the key must have been valid then.
    """
    kind = format_of(signature)
    if kind == SSH:
        return ssh.check(settings, data, signature, namespace, time)
    if kind == GPG:
        return gpg.check(settings, data, signature)
    return Finding("not-checked", detail="its format is neither ssh nor gpg")


def format_of(signature: str) -> str:
    """Return ``ssh`` or ``gpg`` by the first line of a signature; empty for another format."""
    return _ARMOUR.get(signature.partition("\n")[0].strip(), "")
