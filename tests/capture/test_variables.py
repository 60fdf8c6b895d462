from __future__ import annotations

from runref.capture.secrecy import MASK
from runref.capture.variables import capture_variables


def test_only_what_is_on_the_list_is_kept_sorted() -> None:
    environ = {
        "WORLD_SIZE": "2",
        "CUDA_VISIBLE_DEVICES": "0,1",
        "MY_SETTING": "x",
        "XOMP_NUM_THREADS": "3",
        "HOME": "/home/ada",
        "OMP_NUM_THREADS": "4",
    }
    found = capture_variables(environ)
    assert list(found.items()) == [
        ("CUDA_VISIBLE_DEVICES", "0,1"),
        ("OMP_NUM_THREADS", "4"),
        ("WORLD_SIZE", "2"),
    ]


def test_the_users_own_patterns_add_to_it() -> None:
    environ = {"EXP_SEED": "3", "EXPX": "no", "TZ": "UTC"}
    assert capture_variables(environ, ["EXP_*"]) == {"EXP_SEED": "3", "TZ": "UTC"}


def test_a_secret_keeps_its_name_only_even_when_asked_for() -> None:
    environ = {"HF_TOKEN": "hunter2", "JAX_KEY": "ghp_" + "a" * 36, "EMPTY_TOKEN": ""}
    found = capture_variables(environ, ["HF_TOKEN", "EMPTY_TOKEN"])
    assert found == {"HF_TOKEN": MASK, "JAX_KEY": MASK, "EMPTY_TOKEN": ""}


def test_a_url_loses_its_credentials() -> None:
    environ = {"TORCH_MIRROR": "https://ada:pw@mirror.example/simple"}
    assert capture_variables(environ) == {"TORCH_MIRROR": "https://mirror.example/simple"}
