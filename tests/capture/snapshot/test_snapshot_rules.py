"""What is left out of a snapshot: large files and secrets."""

from __future__ import annotations

import os
import random
import string

import pytest

from runref.capture.snapshot.secrets import SECRET_NAMES, Globs, find_keys

BASE64 = string.ascii_letters + string.digits + "+/"


def noise(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(random.Random(length).choices(alphabet, k=length))


# Put together here, so that no key stands in this file.
P = "PRIVATE"
KEYS = {
    "private key": f"-----BEGIN RSA {P} KEY-----\n{noise(64, BASE64)}\n",
    "encrypted private key": f"-----BEGIN ENCRYPTED {P} KEY-----\n{noise(64, BASE64)}",
    "old private key": f"-----BEGIN DSA {P} KEY-----\nProc-Type: 4,ENCRYPTED\n"
    f"DEK-Info: AES-128-CBC,42\n\n{noise(64, BASE64)}",
    "private key in JSON": f'{{"key": "-----BEGIN {P} KEY-----\\n{noise(64, BASE64)}',
    "PGP": f"-----BEGIN PGP {P} KEY BLOCK-----\n\n{noise(64, BASE64)}",
    "AWS": "aws_access_key_id = AKIA" + "Q" * 16 + "\naws_secret_access_key = " + noise(40, BASE64),
    "GitHub": "token: ghp_" + noise(36),
    "GitHub, fine-grained": "github_pat_" + noise(22) + "_" + noise(59),
    "GitLab": "glpat-" + noise(20),
    "Slack": "xoxb-" + "1" * 12 + "-" + noise(24),
    "Hugging Face": 'login("hf_' + noise(34) + '")',
    "OpenAI": "sk-proj-" + noise(48),
    "OpenAI, old": "sk-" + noise(20) + "T3Blbk" + "FJ" + noise(20),
    "Anthropic": "sk-ant-" + "api03-" + noise(95),
    "Google": "AIza" + noise(35),
    "PyPI": "pypi-" + "AgEI" + noise(60),
    "npm": "npm_" + noise(36),
    "Stripe": "sk_live_" + noise(24),
}
HARMLESS = {
    "public key": "-----BEGIN PUBLIC KEY-----\n" + noise(64, BASE64),
    "certificate": "-----BEGIN CERTIFICATE-----\n" + noise(64, BASE64),
    "a pattern": 'PEM = re.compile("-----BEGIN [A-Z ]*PRIVATE KEY-----")',
    "the id alone": "AKIA" + "Q" * 16,
    "the documented example": "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "id and a commit": "AKIA" + "Q" * 16 + " 5f1c9b2e7a3d5f1c9b2e7a3d5f1c9b2e7a3d5f1c",
    "a placeholder": "export OPENAI_API_KEY=sk-your-key-here; hf_xxx; ghp_your_token",
    "a name": "from sk_live_stream import hf_hub_download, npm_install",
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_found_and_never_repeated(repo, take, kind: str) -> None:
    repo.write("config.txt", f"first line\n{KEYS[kind]}\n")
    code = take(repo)
    (left,) = code.left_out
    assert (left.path, left.reason) == ("config.txt", "secret-content")
    assert "line 2" in left.detail
    assert not any(key in left.detail for key in KEYS[kind].split())
    assert code.tree == repo.git("rev-parse", "HEAD^{tree}")
    # Not even as an object that nothing refers to.
    with pytest.raises(AssertionError):
        repo.git("cat-file", "-e", repo.git("hash-object", "config.txt"))


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_no_key_is_kept(repo, take, kind: str) -> None:
    assert find_keys(HARMLESS[kind].encode()) == {}
    repo.write("config.txt", HARMLESS[kind])
    assert take(repo).left_out == ()


SECRET = """
    .env app/.env.production .ENV server.pem tls/site.key id_rsa .ssh/id_ed25519 id_ed25519_work
    .netrc .pypirc credentials credentials.json .aws/credentials cert.p12 cert.PFX kubeconfig
    .kube/config my-service-account-prod.json client_secret_1.json secrets.toml kaggle.json
    .streamlit/secrets.yaml home/.docker/config.json
    prod.env .envrc .npmrc openai_api_key.txt api-key.txt token.txt deploy.token
"""
NOT_SECRET = """
    .env.example .env.sample x/.env.template id_rsa.pub credentials.py credentials/data.csv
    environment.yaml keys.txt config.json kube/config monkey.py secrets.py tokenizer.json
    public.keys example.env prod.sample.env tokens.txt vocab.tokens rapid_monkey.txt env api_key.py
"""


@pytest.mark.parametrize("name", SECRET.split())
def test_secret_names(name: str) -> None:
    assert Globs(SECRET_NAMES, ignore_case=True).match(os.fsencode(name))


@pytest.mark.parametrize("name", NOT_SECRET.split())
def test_names_that_are_none(name: str) -> None:
    assert Globs(SECRET_NAMES, ignore_case=True).match(os.fsencode(name)) == ""


def test_a_secret_is_left_out_where_git_has_it_not(repo, take, held) -> None:
    repo.write(".env", "OLD=1\n")
    repo.write("server.pem", "committed\n")
    repo.commit()
    repo.write(".env", "NEW=2\n")
    repo.write("deploy.key", "untracked\n")
    code = take(repo)
    assert [(left.path, left.reason) for left in code.left_out] == [
        (".env", "secret-name"),
        ("deploy.key", "secret-name"),
    ]
    assert code.left_out[1].detail == "matches *.key"
    assert "edited" in code.left_out[0].detail
    assert set(held(repo, code.tree)) == {b"pkg/model.py", b"server.pem", b"train.py"}
    assert (code.edited, code.untracked, code.deleted) == (1, 0, 0)
    repo.write(".env", "OLD=1\n")
    assert b".env" in held(repo, take(repo).tree)


def test_a_key_that_git_has_anyway_does_not_lose_the_file(repo, take, held) -> None:
    repo.write("test_tls.py", KEYS["private key"])
    repo.commit()
    repo.write("test_tls.py", KEYS["private key"] + "# edited\n")
    assert take(repo).left_out == ()
    repo.write("test_tls.py", KEYS["private key"] + KEYS["GitHub"])
    assert [left.reason for left in take(repo).left_out] == ["secret-content"]


def test_more_names_and_exemptions(repo, take, held) -> None:
    repo.write("tokens.txt", "x")
    repo.write("fixtures/tls/server.pem", "x")
    repo.write("fixtures/big.bin", bytes(5000))
    repo.write("docs/id_rsa", "x")
    repo.write("config.txt", KEYS["GitHub"])
    code = take(
        repo,
        max_file_size=1000,
        secret_names=("tokens.*", "!docs/id_rsa"),
        keep=("fixtures/", "config.txt"),
    )
    assert [(left.path, left.detail) for left in code.left_out] == [
        ("tokens.txt", "matches tokens.*")
    ]
    assert {b"config.txt", b"fixtures/big.bin", b"docs/id_rsa"} <= set(held(repo, code.tree))


def test_large_files(repo, take, held) -> None:
    large = bytes(1 << 20)
    repo.write("exactly.bin", large)
    repo.write("committed.bin", large + b"1")
    repo.commit()
    repo.write("untracked.bin", large + b"22")
    code = take(repo)
    assert [(left.path, left.size, left.reason) for left in code.left_out] == [
        ("untracked.bin", (1 << 20) + 2, "size")
    ]
    assert b"committed.bin" in held(repo, code.tree)
    assert (code.edited, code.untracked) == (0, 0)
    repo.write("committed.bin", large + b"3")
    code = take(repo)
    assert [left.path for left in code.left_out] == ["committed.bin", "untracked.bin"]
    assert b"committed.bin" not in held(repo, code.tree)
    assert (code.edited, code.deleted) == (1, 0)


def test_a_huge_untracked_file_is_not_read(repo, take) -> None:
    with repo.write("huge.bin", b"").open("wb") as file:
        file.truncate(1 << 42)
    assert [(left.size, left.reason) for left in take(repo).left_out] == [(1 << 42, "size")]
