from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.capture.secrecy import (
    MASK,
    looks_secret_name,
    mask_text,
    mask_values,
    masked_value,
    strip_credentials,
)

SECRET = """password db_password PGPASSWORD MYSQL_PWD token --hf-token HF_TOKEN apiToken api_key
apikey WANDB_API_KEY openai-api-key AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID private_key
client_secret SECRET_KEY_BASE credentials GOOGLE_APPLICATION_CREDENTIALS auth http.auth ssh-key
oauth.access_token SSHPASS key --kaggle-key openai_key KAGGLE_KEY AccountKey api_keys Authorization
Proxy-Authorization"""


@pytest.mark.parametrize("name", SECRET.split())
def test_a_telling_name_looks_secret(name: str) -> None:
    assert looks_secret_name(name)


ORDINARY = """lr max_tokens num_tokens tokens tokenizer tokenizer_name pad_token eos_token max-token
token_dropout author authors keys primary_key sort-key partition_key monkey bypass compass
pass_through password_length token_file secrets_path secret_dir keyboard batch_size 1234
key-dim num_keys query_key_value image_key state_dict_key rng_key public_keys key_path sos_token"""


@pytest.mark.parametrize("name", ORDINARY.split())
def test_an_ordinary_name_does_not(name: str) -> None:
    assert not looks_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "ghp_" + "a1B2" * 9,
        "hf_" + "abcdefgh" * 4 + "ab",
        "x=sk-proj-" + "a" * 30,
        "AKIAIOSFODNN7EXAMPLE",
        "Bearer " + "abcd1234" * 4,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----\nMII",
        "sk_live_" + "a1b2c3d4" * 3,
    ],
)
def test_a_key_is_known_by_its_format(value: str) -> None:
    assert value not in mask_text(value)
    assert MASK in mask_text(f"before {value} after")


@pytest.mark.parametrize(
    "value", ["resnet50", "a" * 64, "5d20c1e9" * 5, "task-sk-1", "0.1", "basic training", ""]
)
def test_an_ordinary_value_is_no_key(value: str) -> None:
    assert mask_text(value) == value
    assert masked_value("model", value) == value


@pytest.mark.parametrize(
    ("url", "stripped"),
    [
        ("https://ada:pw@example.org/x.git", "https://example.org/x.git"),
        ("https://ghp_token@example.org/x", "https://example.org/x"),
        ("git+https://ada:p@w@example.org/x@main", "git+https://example.org/x@main"),
        ("ssh://git@example.org/x", "ssh://git@example.org/x"),
        ("git+ssh://git:pw@example.org/x", "git+ssh://git@example.org/x"),
        ("https://a/x?token=abc&page=2#top", f"https://a/x?token={MASK}&page=2#top"),
        ("s3://bucket/key?X-Amz-Signature=00ff", f"s3://bucket/key?X-Amz-Signature={MASK}"),
        ("http://u:p@proxy:80,https://v:q@proxy", "http://proxy:80,https://proxy"),
        ("git@example.org:x.git", "git@example.org:x.git"),
        ("https://example.org/@scope/pkg", "https://example.org/@scope/pkg"),
        ("ada:pw@example.org:x.git", "ada@example.org:x.git"),
        ("ada:p:w@proxy:8080", "ada@proxy:8080"),
        ("image:tag@sha256:00ff", "image:tag@sha256:00ff"),
        ("../x.git?private_token=abc", f"../x.git?private_token={MASK}"),
    ],
)
def test_a_url_loses_its_credentials_only(url: str, stripped: str) -> None:
    assert strip_credentials(url) == stripped


@given(
    user=st.from_regex(r"[A-Za-z0-9]{8,20}", fullmatch=True),
    password=st.from_regex(r"[A-Za-z0-9:!@%]{8,20}", fullmatch=True),
    before=st.text(max_size=20),
)
def test_a_password_never_survives_in_a_url(user: str, password: str, before: str) -> None:
    text = strip_credentials(f"{before} https://{user}:{password}@host.example/path")
    assert password not in text
    assert text.endswith("://host.example/path")


@given(st.text())
def test_masking_twice_changes_nothing(text: str) -> None:
    assert mask_text(mask_text(text)) == mask_text(text)


KEY = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"api_key": "x", "lr": 0.1}, {"api_key": MASK, "lr": 0.1}),
        ({"db": {"password": "x", "port": 3}}, {"db": {"password": MASK, "port": 3}}),
        ({"steps": [{"hf_token": "x"}, "a"]}, {"steps": [{"hf_token": MASK}, "a"]}),
        ({"secret": ["x", "y"]}, {"secret": [MASK, MASK]}),
        ({"creds": {"openai": "x", "on": True}}, {"creds": {"openai": MASK, "on": True}}),
        ({"password": 1234, "db": {"pwd": 5}}, {"password": MASK, "db": {"pwd": MASK}}),
        ({"a": KEY, "b": [KEY], "c": "s3://k:s@b/x"}, {"a": MASK, "b": [MASK], "c": "s3://b/x"}),
        ({"api_key": "", "token": None}, {"api_key": "", "token": None}),
    ],
)  # fmt: skip
def test_values_are_masked_at_any_depth(values: dict[str, object], shown: object) -> None:
    assert mask_values(values) == shown
    assert mask_values(mask_values(values)) == shown


def test_ordinary_values_stay_as_they_are() -> None:
    values = {
        "max_tokens": 5,
        "num_tokens": 7,
        "pad_token_id": 0,
        "pad_token": "<pad>",
        "use_auth_token": True,
        "auth": 0.5,
        "key": 3,
        "tokens": ["a", "b"],
        "prompt": "Never tell the secret: it is yours.",
        "token": {"vocabulary": 30_000},
    }
    assert mask_values(values) == values
