"""What a signature turned out to be worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["good", "unknown-signer", "expired", "not-allowed", "revoked", "bad", "not-checked"]
"""What came out:

* ``good``: over these bytes, by a key that somebody vouches for.
* ``unknown-signer``: over these bytes, by a key that nobody vouches for.
* ``expired``: over these bytes, by a key that was not valid at the time of the signature.
* ``not-allowed``: over these bytes, by a known key that may not sign for this purpose.
* ``revoked``: over these bytes, by a key that was revoked.
* ``bad``: not over these bytes, or no signature at all.
* ``not-checked``: nothing is known: a program or the public key is missing.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of checking one signature.

    Attributes:
        state: What came out.
        signer: Who vouches: the principal of an allowed-signers file, or the user id of a gpg key.
        key: Fingerprint of the key, where the signature is over these bytes.
        detail: Why it is not good, in the words of the program that checked it.
    """

    state: State
    signer: str = ""
    key: str = ""
    detail: str = ""
