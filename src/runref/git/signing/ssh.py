"""Signing and checking with ssh keys, as git does it: ``ssh-keygen -Y``."""

from __future__ import annotations

import re
import shlex
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from runref.errors import RunrefError
from runref.git.signing.finding import Finding
from runref.git.signing.programs import CannotSign, Ended, SigningProgramMissing, run_program
from runref.git.signing.settings import SigningSettings, literal_key

_CHATTER = ("Signing data on standard input", "Enter passphrase:")
_GOOD = re.compile(r'^Good ".*" signature (?:for (?P<signer>.*) )?with \S+ key (?P<key>\S+)$', re.M)


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
    with _file_of(literal or "") as held:
        argv = [settings.ssh_program, "-Y", "sign", "-n", namespace, "-f"]
        argv += [key] if literal is None else [held, "-U"]  # -U: the agent has the private part
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
        moment = clock.strftime("%Y%m%d%H%M%S", clock.localtime(time))
        self._allowed = ["-f", settings.allowed_signers, f"-Overify-time={moment}"]

    def finding(self) -> Finding:
        try:
            return self._finding()
        except (SigningProgramMissing, CannotSign) as error:
            return Finding("not-checked", detail=error.message)

    def _finding(self) -> Finding:
        cryptography = self._ask("check-novalidate", "-n", self._namespace)
        over_data = _GOOD.search(cryptography.out.decode("utf-8", "replace"))
        if cryptography.status or over_data is None:
            return Finding("bad", detail=cryptography.last_words())
        key = over_data["key"]
        if not self._settings.allowed_signers:
            return Finding("unknown-signer", key=key, detail="no file of allowed signers is named")
        _check_readable(self._settings.allowed_signers)
        found = self._ask("find-principals", *self._allowed)
        principals = found.out.decode("utf-8", "replace").splitlines() if not found.status else []
        if not principals:
            return _not_found(key, found.err)
        return self._first_good(principals, key)

    def _first_good(self, principals: list[str], key: str) -> Finding:
        finding = Finding("unknown-signer", key=key)
        for principal in principals:
            ended = self._verify(principal, self._settings.revoked_keys)
            if not ended.status:
                return Finding("good", principal, key)
            if not self._verify(principal, "").status:
                finding = Finding("revoked", principal, key, "its key was revoked")
            else:
                finding = Finding("not-allowed", principal, key, _without_place(ended.last_words()))
        return finding

    def _verify(self, principal: str, revoked: str) -> Ended:
        options = ["-r", revoked] if revoked else []
        who = ("-n", self._namespace, "-I", principal)
        return self._ask("verify", *who, *self._allowed, *options)

    def _ask(self, question: str, *options: str) -> Ended:
        argv = [self._settings.ssh_program, "-Y", question, *options, "-s", self._signature]
        return run_program(argv, self._data, self._settings.environ)


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
