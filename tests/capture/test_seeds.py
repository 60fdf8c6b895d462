from __future__ import annotations

import random
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.capture.seeds import read_seeds


@pytest.fixture(autouse=True)
def generators_as_they_were():
    python, numpy = random.getstate(), np.random.get_state()
    yield
    random.setstate(python)
    np.random.set_state(numpy)


@given(st.integers(min_value=0, max_value=2**64 - 1) | st.integers(0, 1000))
def test_the_seed_of_random_is_read_back(seed: int) -> None:
    state = random.getstate()
    try:
        random.seed(seed)
        before = random.getstate()
        assert read_seeds({})["python"] == {"seed": seed}
        assert random.getstate() == before
    finally:
        random.setstate(state)


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_the_seed_of_numpy_is_read_back(seed: int) -> None:
    state = np.random.get_state()
    try:
        np.random.seed(seed)
        assert read_seeds({})["numpy"] == {"seed": seed}
    finally:
        np.random.set_state(state)


@pytest.mark.parametrize("draws", [1, 312, 623, 624, 1248])
def test_after_a_draw_there_is_only_a_digest_and_it_tells_states_apart(draws: int) -> None:
    digests = []
    for seed in (1, 1, 2):
        random.seed(seed)
        np.random.seed(seed)
        for _ in range(draws):
            random.getrandbits(32)
            np.random.randint(0, 2**32, dtype=np.uint32)
        digests.append(read_seeds({}))
    assert digests[0] == digests[1]
    for name in ("python", "numpy"):
        assert set(digests[0][name]) == {"state"}
        assert digests[0][name] != digests[2][name]


@pytest.mark.parametrize("seed", [None, "text", 2**64, 2**200, b"bytes"])
def test_no_wrong_seed_is_told_for_a_state_from_elsewhere(seed: object) -> None:
    random.seed(seed)
    assert "seed" not in read_seeds({})["python"]


def test_numpy_seeded_from_the_system_has_no_seed() -> None:
    for seed in (None, [1, 2]):
        np.random.seed(seed)
        assert "seed" not in read_seeds({})["numpy"]


def test_nothing_is_said_about_modules_that_are_not_imported() -> None:
    assert read_seeds({}, {}) == {}
    assert read_seeds({"PYTHONHASHSEED": "0"}, {}) == {"hash": "0"}


def test_torch_is_asked() -> None:
    torch = types.ModuleType("torch")
    assert read_seeds({}, {"torch": torch}) == {}
    torch.initial_seed = lambda: 17
    assert read_seeds({}, {"torch": torch}) == {"torch": {"seed": 17}}
