"""Signing and checking with ssh keys, as git does it: ``ssh-keygen -Y``."""

from __future__ import annotations

import re
import shlex
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from runref.errors import RunrefError
from runref.git.signing.finding import Finding
from runref.git.signing.programs import CannotSign, Ended, SigningProgramMissing, run_program
from runref.git.signing.settings import SigningSettings, literal_key

_CHATTER = ("Signing data on standard input", "Enter passphrase:")
_GOOD = re.compile(r'^Good ".*" signature .*with \S+ key (?P<key>\S+)$', re.M)
_EARLIEST, _LATEST = 172_800, 253_402_214_400
"""Seconds between which ssh-keygen understands a time: positive, in years of four digits."""


class NoSigningKey(RunrefError):
    """Git's configuration names no key to sign with."""

    code = "no-signing-key"


class AllowedSignersMissing(RunrefError):
    """The file of allowed signers that is configured cannot be read."""

    code = "allowed-signers-missing"


def sign(settings: SigningSettings, data: bytes, namespace: str, *, may_ask: bool) -> str:
    """Return an ssh signature over `data` in armour; see `signatures.sign`."""
    key = settings.key or _key_by_command(settings)
    literal = literal_key(key)
    with nullcontext(key) if literal is None else _file_of(literal) as path:
        argv = [settings.ssh_program, "-Y", "sign", "-n", namespace, "-f", path]
        argv += [] if literal is None else ["-U"]  # the agent has the private part
        ended = run_program(argv, data, settings.environ, may_ask=may_ask)
    if ended.status or not ended.out.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        said = ended.last_words(without=_CHATTER).removeprefix("Enter passphrase: ")
        name = "the literal key" if literal is not None else key
        raise CannotSign(
            f"{settings.ssh_program} cannot sign with {name}: {said}",
            hint="A key with a passphrase is unlocked by `ssh-add FILE`; `ssh-add -L` lists what "
            "the agent has.",
        )
    return ended.out.decode("ascii")


def check(
    settings: SigningSettings, data: bytes, signature: str, namespace: str, time: int
) -> Finding:
    """Return what an ssh signature is worth; see `signatures.check`.

    Raises:
        AllowedSignersMissing: The configured file cannot be read.
    """
    with _file_of(signature) as held:
        return _Check(settings, data, held, namespace, time).finding()


class _Check:
    """The questions to ssh-keygen about one signature."""

    def __init__(
        self, settings: SigningSettings, data: bytes, signature: str, namespace: str, time: int
    ) -> None:
        self._settings = settings
        self._data = data
        self._signature = signature
        self._namespace = namespace
        # Local time, as the dates in the file of allowed signers are read.
        within = min(max(time, _EARLIEST), _LATEST)
        moment = clock.strftime("%Y%m%d%H%M%S", clock.localtime(within))
        self._allowed = ["-f", settings.allowed_signers, f"-Overify-time={moment}"]

    def finding(self) -> Finding:
        try:
            return self._finding()
        except (SigningProgramMissing, CannotSign) as error:
            return Finding("not-checked", detail=error.message)

    def _finding(self) -> Finding:
        principals, said = self._principals() if self._settings.allowed_signers else ([], "")
        for principal in principals:
            ended = self._verify(principal, self._settings.revoked_keys)
            if not ended.status:
                return Finding("good", principal, _key(ended))
        cryptography = self._ask("check-novalidate", "-n", self._namespace)
        key = _key(cryptography)
        if cryptography.status or not key:
            return Finding("bad", detail=cryptography.last_words())
        if not self._settings.allowed_signers:
            return Finding("unknown-signer", key=key, detail="no file of allowed signers is named")
        return self._refused(principals[0], key) if principals else _not_found(key, said)

    def _principals(self) -> tuple[list[str], str]:
        """Return whose key it is, by the file of allowed signers, and what ssh-keygen says."""
        _check_readable(self._settings.allowed_signers)
        found = self._ask("find-principals", *self._allowed)
        names = found.out.decode("utf-8", "replace").splitlines()
        return ([] if found.status else names), found.err

    def _refused(self, principal: str, key: str) -> Finding:
        """Return why a key that is listed, and whose signature is over the data, does not count."""
        ended = self._verify(principal, "")
        if not ended.status:
            return Finding("revoked", principal, key, "its key was revoked")
        return Finding("not-allowed", principal, key, _without_place(ended.last_words()))

    def _verify(self, principal: str, revoked: str) -> Ended:
        options = ["-r", revoked] if revoked else []
        who = ("-n", self._namespace, "-I", principal)
        return self._ask("verify", *who, *self._allowed, *options)

    def _ask(self, question: str, *options: str) -> Ended:
        argv = [self._settings.ssh_program, "-Y", question, *options, "-s", self._signature]
        return run_program(argv, self._data, self._settings.environ)


def _key(ended: Ended) -> str:
    """Return the fingerprint in what ssh-keygen says of a good signature; empty of another."""
    good = _GOOD.search(ended.out.decode("utf-8", "replace"))
    return good["key"] if good else ""


def _not_found(key: str, said: str) -> Finding:
    """Return why no signer was found: of the lines about the key, the first one tells."""
    for line in said.splitlines():
        if "key has expired" in line or "key is not yet valid" in line:
            return Finding("expired", key=key, detail=_without_place(line))
    return Finding("unknown-signer", key=key, detail="no allowed signer has this key")


def _without_place(line: str) -> str:
    """Return a message of ssh-keygen without the file and line that it begins with."""
    return re.sub(r"^\S*:\d+: ", "", line.strip())


def _check_readable(path: str) -> None:
    try:
        Path(path).open("rb").close()
    except OSError as error:
        raise AllowedSignersMissing(
            f"the file of allowed signers {path} cannot be read: {error.strerror}",
            hint="`git config gpg.ssh.allowedSignersFile FILE` names another one.",
        ) from error


def _key_by_command(settings: SigningSettings) -> str:
    """Return the first key that ``gpg.ssh.defaultKeyCommand`` prints, as git takes it."""
    hint = '`git config user.signingKey FILE`, or `gpg.ssh.defaultKeyCommand "ssh-add -L"`.'
    if not settings.key_command:
        raise NoSigningKey("git's configuration names no ssh key to sign with", hint=hint)
    ended = run_program(shlex.split(settings.key_command), b"", settings.environ)
    first = ended.out.decode("utf-8", "replace").partition("\n")[0].strip()
    if ended.status or literal_key(first) is None:
        raise NoSigningKey(f"{settings.key_command!r} printed no ssh key", hint=hint)
    return first


@contextmanager
def _file_of(text: str) -> Iterator[str]:
    """Give the name of a file with this content, which only this user can read."""
    with TemporaryDirectory(prefix="runref-") as folder:
        path = Path(folder, "held")
        path.touch(0o600)
        path.write_text(text if text.endswith("\n") else f"{text}\n", "utf-8", "surrogateescape")
        yield str(path)
