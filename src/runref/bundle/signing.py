"""The signature of a bundle: over its manifest, and by the digests in it over every byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from runref.bundle.errors import damaged
from runref.bundle.planning import Sign
from runref.bundle.reading import Head
from runref.errors import ExitStatus, RunrefError
from runref.git.signing.finding import State
from runref.git.signing.settings import SigningSettings
from runref.git.signing.signatures import check, format_of, sign

NAMESPACE = "runref-bundle"
"""What ssh signatures of bundles are for (``ssh-keygen -n``): that of a run is no other."""


class BundleUnsigned(RunrefError):
    """Nobody who is allowed to vouches for a bundle."""

    code = "bundle-unsigned"
    exit_status = ExitStatus.NO


@dataclass(frozen=True, slots=True)
class Signature:
    """What the signature of a bundle is worth.

    Attributes:
        state: What came out; ``unsigned`` where there is none.
        format: ``ssh`` or ``gpg``.
        signer: Who vouches for it.
        key: Fingerprint of the key.
        detail: Why it is not good.
    """

    state: State | Literal["unsigned"]
    format: str = ""
    signer: str = ""
    key: str = ""
    detail: str = ""


def signing_with(settings: SigningSettings) -> Sign:
    """Return what signs manifests; its program may ask for a passphrase."""

    def signed(encoded: bytes) -> bytes:
        return sign(settings, encoded, NAMESPACE, may_ask=True).encode()

    return signed


def examine(head: Head, settings: SigningSettings, *, required: bool = False) -> Signature:
    """Return what the signature of a bundle is worth.

    Args:
        head: The bundle's.
        settings: Whom to trust.
        required: Whether it must be good.

    Raises:
        BundleDamaged: There is one, and it is not over this manifest.
        BundleUnsigned: It must be good, and is not.
    """
    found = _examined(head, settings)
    if found.state == "bad":
        raise damaged(f"its signature is not over its manifest ({found.detail})")
    if required and found.state != "good":
        why = f": {found.detail}" if found.detail else ""
        raise BundleUnsigned(
            f"nobody who is allowed to has signed the bundle: {found.state}{why}",
            hint="--allowed-signers names the file that says whose ssh keys count",
        )
    return found


def _examined(head: Head, settings: SigningSettings) -> Signature:
    if not head.signature:
        return Signature("unsigned")
    text = head.signature.decode("utf-8", "replace")
    found = check(settings, head.encoded, text, NAMESPACE, head.manifest.seconds)
    return Signature(found.state, format_of(text), found.signer, found.key, found.detail)
