"""Signing and checking with OpenPGP keys, as git does it: ``gpg`` and its lines of status."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from runref.git.signing.finding import Finding, State
from runref.git.signing.programs import CannotSign, SigningProgramMissing, run_program
from runref.git.signing.settings import SigningSettings

_STATUS = re.compile(r"^\[GNUPG:\] (\w+) ?(.*)$", re.M)
_TRUST = ("undefined", "never", "marginal", "fully", "ultimate")
"""What gpg says of a key's owner, in the order in which git compares it."""
_STATES: dict[str, tuple[State, str]] = {
    "GOODSIG": ("good", ""),
    "EXPSIG": ("expired", "the signature has expired"),
    "EXPKEYSIG": ("expired", "the key has expired"),
    "REVKEYSIG": ("revoked", "the key was revoked"),
    "BADSIG": ("bad", "it is over other content"),
}


def sign(settings: SigningSettings, data: bytes, *, may_ask: bool) -> str:
    """Return an OpenPGP signature over `data` in armour; see `signatures.sign`."""
    key = settings.key or settings.identity
    quiet = [] if may_ask else ["--batch", "--pinentry-mode=error"]
    argv = [settings.gpg_program, *quiet, "--status-fd=2", "-bsau", key]
    ended = run_program(argv, data, settings.environ, may_ask=may_ask)
    if ended.status or not any(found[1] == "SIG_CREATED" for found in _STATUS.finditer(ended.err)):
        said = _STATUS.sub("", ended.err).strip().splitlines()
        why = said[-1] if said else f"exit status {ended.status}"
        raise CannotSign(
            f"{settings.gpg_program} cannot sign as {key}: {why}",
            hint="`gpg --list-secret-keys` lists the keys; a key with a passphrase is unlocked by "
            "signing something in a terminal first.",
        )
    return ended.out.decode("ascii", "replace").replace("\r", "")


def check(settings: SigningSettings, data: bytes, signature: str) -> Finding:
    """Return what an OpenPGP signature is worth; see `signatures.check`.

    Who vouches for the key is the user's keyring, by the trust it gives to the owner.
    """
    with TemporaryDirectory(prefix="runref-") as folder:
        held = Path(folder, "signature")
        held.write_text(signature, "utf-8", "surrogateescape")
        argv = [settings.gpg_program, "--batch", "--no-auto-key-retrieve", "--status-fd=1"]
        argv += ["--verify", str(held), "-"]
        try:
            ended = run_program(argv, data, settings.environ)
        except (SigningProgramMissing, CannotSign) as error:
            return Finding("not-checked", detail=error.message)
    status = _STATUS.findall(ended.out.decode("utf-8", "replace"))
    return _finding(status, settings.minimum_trust)


def _finding(status: list[tuple[str, str]], minimum_trust: str) -> Finding:
    said = dict(status)
    verdicts = [name for name, _ in status if name in _STATES or name == "ERRSIG"]
    if len(verdicts) != 1:
        # Of several, each by another key, none speaks for all; git refuses them, too.
        return Finding("bad", detail=f"gpg finds {len(verdicts) or 'no'} signatures in it")
    verdict = verdicts[0]
    if verdict == "ERRSIG":
        missing = said.get("NO_PUBKEY", "")
        why = f"key {missing} is not in the keyring" if missing else "gpg cannot check its kind"
        return Finding("not-checked", detail=why)
    state, detail = _STATES[verdict]
    signer = said[verdict].partition(" ")[2]
    fingerprint = said.get("VALIDSIG", "").partition(" ")[0]
    if state == "good":
        trust = next((each for each in _TRUST if f"TRUST_{each.upper()}" in said), _TRUST[0])
        if _TRUST.index(trust) < _needed(minimum_trust):
            detail = f"the keyring's trust in the owner of the key is {trust}"
            return Finding("unknown-signer", signer, fingerprint, detail)
    return Finding(state, signer, fingerprint, detail)


def _needed(minimum_trust: str) -> int:
    """Return the least trust that counts: without a setting anything over ``never``, as in git."""
    usual = _TRUST.index("marginal")
    return max(_TRUST.index(minimum_trust), usual) if minimum_trust in _TRUST else usual
