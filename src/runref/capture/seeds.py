"""Seeds of the random number generators that a program has already imported.

Nothing is imported and no generator is moved. A seed is read back from the generator's state, which
is possible until its first draw; a state that no seed explains is told by its digest, so that two
runs can still be seen to have started equal.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

_WORDS = 624
_MASK = 0xFFFFFFFF


def read_seeds(
    environ: Mapping[str, str], modules: Mapping[str, ModuleType] | None = None
) -> dict[str, object]:
    """Return what can be read, by generator: ``python``, ``numpy``, ``torch``, ``hash``.

    Each is ``{"seed": int}`` where the seed is known, else ``{"state": "sha256:<hex>"}``; ``hash``
    is the text of ``PYTHONHASHSEED``. ``torch`` knows its seed at any time.
    """
    modules = sys.modules if modules is None else modules
    seeds: dict[str, object] = {}
    if text := environ.get("PYTHONHASHSEED"):
        seeds["hash"] = text
    if random := modules.get("random"):
        seeds["python"] = _python(random)
    # numpy.random's own global generator; what default_rng() returns belongs to the program.
    if mtrand := modules.get("numpy.random.mtrand"):
        seeds["numpy"] = _numpy(mtrand)
    if torch := modules.get("torch"):
        initial_seed = getattr(torch, "initial_seed", None)  # missing while torch is being imported
        if initial_seed is not None:
            seeds["torch"] = {"seed": int(initial_seed())}
    return seeds


def _python(random: Any) -> dict[str, object]:
    state = random.getstate()[1]
    for seed in _python_candidates(state):
        if random.Random(seed).getstate()[1] == state:
            return {"seed": seed}
    return _digest(state)


def _python_candidates(state: Sequence[int]) -> list[int]:
    """Return the seeds below 2**64 that may have led to a state from which nothing was drawn.

    CPython seeds its Mersenne Twister with ``init_by_array`` (Modules/_randommodule.c, after
    Matsumoto and Nishimura's mt19937ar.c): two passes that mix the words of the seed into the
    state. Undoing the second pass for words 1 to 4 leaves sums of known values and one word of the
    seed each. A wrong guess does no harm, since the caller tries the candidates out.
    """
    if state[-1] != _WORDS:
        return []

    def mixed(word: int, factor: int) -> int:
        return ((word ^ (word >> 30)) * factor) & _MASK

    first = [19650218]
    for at in range(1, 5):
        first.append((mixed(first[-1], 1812433253) + at) & _MASK)
    one = ((state[1] + 1) ^ mixed(state[_WORDS - 1], 1566083941)) & _MASK
    two = ((state[2] + 2) ^ mixed(one, 1566083941)) & _MASK
    three = ((state[3] + 3) ^ mixed(state[2], 1566083941)) & _MASK
    four = ((state[4] + 4) ^ mixed(state[3], 1566083941)) & _MASK
    low = (three - (first[3] ^ mixed(two, 1664525))) & _MASK
    high = (four - (first[4] ^ mixed(three, 1664525)) - 1) & _MASK
    return [low, low | high << 32]


def _numpy(mtrand: Any) -> dict[str, object]:
    state = mtrand.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        return {"generator": str(state["bit_generator"])}
    key = [int(word) for word in state["state"]["key"]]
    # np.random.seed(n) fills the key with Knuth's recurrence from n (mt19937_seed in numpy's
    # mt19937.c); a key from SeedSequence, or one that was drawn from, does not follow it.
    if all(_follows(key[at - 1], key[at], at) for at in range(1, 8)):
        return {"seed": key[0]}
    return _digest([*key, int(state["state"]["pos"])])


def _follows(word: int, following: int, at: int) -> bool:
    return ((word ^ (word >> 30)) * 1812433253 + at) & _MASK == following


def _digest(state: Sequence[int]) -> dict[str, object]:
    packed = struct.pack(f"<{len(state)}I", *state)
    return {"state": f"sha256:{hashlib.sha256(packed).hexdigest()}"}
