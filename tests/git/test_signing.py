"""Signatures by the real ssh-keygen and gpg, against the real git."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.process import program
from tests.signers import GpgHome, SshKey, SshKeys

from runref.git.repository import Repository
from runref.git.signing import programs
from runref.git.signing.commits import committed_at, split_signature, with_signature
from runref.git.signing.finding import Finding
from runref.git.signing.programs import CannotSign, SigningProgramMissing
from runref.git.signing.settings import SigningSettings
from runref.git.signing.signatures import check, sign
from runref.git.signing.ssh import AllowedSignersMissing, NoSigningKey

NOW = int(time.time())
DATA = b"what is signed\n"


def settings_of(repo: Any, **config: str) -> SigningSettings:
    """Set git's configuration (``a__b`` is ``a.b``) and return what runref makes of it."""
    for name, value in config.items():
        repo.git("config", name.replace("__", "."), value)
    return Repository.open(repo.path, environ=os.environ).signing()


@pytest.fixture
def key(ssh_keys: SshKeys) -> SshKey:
    return ssh_keys.make()


@pytest.fixture
def ssh(repo: Any, key: SshKey, ssh_keys: SshKeys) -> SigningSettings:
    return settings_of(
        repo,
        gpg__format="ssh",
        user__signingKey=str(key.path),
        gpg__ssh__allowedSignersFile=str(ssh_keys.allow(key)),
    )


def signed(settings: SigningSettings) -> str:
    return sign(settings, DATA, "runref", may_ask=False)


def found(settings: SigningSettings, signature: str, data: bytes = DATA, when: int = NOW) -> Any:
    return check(settings, data, signature, "runref", when)


# ssh


def test_an_ssh_signature_is_good_where_the_key_is_allowed(
    ssh: SigningSettings, key: SshKey
) -> None:
    assert found(ssh, signed(ssh)) == Finding("good", "ada@example.org", key.fingerprint)


def test_plain_ssh_keygen_checks_it(ssh: SigningSettings, tmp_path: Path) -> None:
    (tmp_path / "sig").write_text(signed(ssh))
    subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-n", "runref", "-f", ssh.allowed_signers,
         "-I", "ada@example.org", "-s", tmp_path / "sig"],
        input=DATA, check=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("\nU1N", "\nV1N"), "invalid format"),
        (lambda _: "-----BEGIN SSH SIGNATURE-----\nAAAA\n", "incomplete message"),
        (lambda _: "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", ""),
    ],
)
def test_a_changed_ssh_signature_is_bad(
    ssh: SigningSettings, change: Callable[[str], str], says: str
) -> None:
    finding = found(ssh, change(signed(ssh)))
    assert finding.state == "bad"
    assert says in finding.detail


def test_an_ssh_signature_is_over_its_data_and_for_its_purpose(ssh: SigningSettings) -> None:
    signature = signed(ssh)
    assert found(ssh, signature, b"other\n") == Finding(
        "bad", detail="Signature verification failed: incorrect signature"
    )
    for_git = check(ssh, DATA, signature, "git", NOW)
    assert (for_git.state, "namespace does not match" in for_git.detail) == ("bad", True)


def test_a_key_that_nobody_vouches_for(
    ssh: SigningSettings, ssh_keys: SshKeys, key: SshKey
) -> None:
    signature = signed(ssh)
    ssh_keys.allow(ssh_keys.make("other"), "bob@example.org")
    unknown = found(ssh, signature)
    assert (unknown.state, unknown.signer, unknown.key) == ("unknown-signer", "", key.fingerprint)
    assert unknown.detail == "no allowed signer has this key"
    nobody = found(replace(ssh, allowed_signers=""), signature)
    assert (nobody.state, nobody.key) == ("unknown-signer", key.fingerprint)


@pytest.mark.parametrize(
    ("options", "state", "says"),
    [
        ('valid-before="20200101"', "expired", "key has expired"),
        ('valid-after="20990101"', "expired", "key is not yet valid"),
        (
            'namespaces="git"',
            "not-allowed",
            'not permitted for use in signature namespace "runref"',
        ),
    ],
)
def test_a_key_that_may_not_sign(
    ssh: SigningSettings, ssh_keys: SshKeys, key: SshKey, options: str, state: str, says: str
) -> None:
    ssh_keys.allow(key, options=options)
    finding = found(ssh, signed(ssh))
    assert (finding.state, finding.key) == (state, key.fingerprint)
    assert says in finding.detail


def test_a_key_counts_at_the_time_of_the_signature(
    ssh: SigningSettings, ssh_keys: SshKeys, key: SshKey
) -> None:
    ssh_keys.allow(key, options='valid-before="20200101"')
    assert found(ssh, signed(ssh), when=1_500_000_000).state == "good"


@pytest.mark.parametrize("when", [-(10**12), -1, 10**12, 10**30])
def test_a_time_that_cannot_be_is_no_error(ssh: SigningSettings, when: int) -> None:
    """Whoever makes a commit chooses its time."""
    assert found(ssh, signed(ssh), when=when).state == "good"


def test_a_revoked_key(ssh: SigningSettings, key: SshKey, ssh_keys: SshKeys) -> None:
    revoked = ssh_keys.folder / "revoked"
    revoked.write_text(f"{key.public}\n")
    finding = found(replace(ssh, revoked_keys=str(revoked)), signed(ssh))
    assert (finding.state, finding.signer) == ("revoked", "ada@example.org")


def test_one_of_several_principals_may_be_allowed(
    ssh: SigningSettings, ssh_keys: SshKeys, key: SshKey
) -> None:
    file = ssh_keys.allow(key, "old@example.org", 'namespaces="git"')
    file.write_text(f"{file.read_text()}new@example.org {key.public}\n")
    assert found(ssh, signed(ssh)).state in ("good", "not-allowed")
    file.write_text(f"*@example.org,other@example.org {key.public}\n")
    assert found(ssh, signed(ssh)).signer == "*@example.org"


def test_allowed_signers_that_cannot_be_read(ssh: SigningSettings) -> None:
    signature = signed(ssh)
    with pytest.raises(AllowedSignersMissing, match="nowhere"):
        found(replace(ssh, allowed_signers="/nowhere"), signature)


@pytest.mark.slow
def test_a_passphrase_is_not_asked_for(ssh: SigningSettings, ssh_keys: SshKeys) -> None:
    locked = replace(ssh, key=str(ssh_keys.make("locked", passphrase="secret").path))
    with pytest.raises(CannotSign, match="incorrect passphrase") as error:
        signed(locked)
    assert "ssh-add" in error.value.hint


def test_no_key_and_no_program(ssh: SigningSettings) -> None:
    with pytest.raises(NoSigningKey, match="names no ssh key"):
        signed(replace(ssh, key=""))
    with pytest.raises(NoSigningKey, match="printed no ssh key"):
        signed(replace(ssh, key="", key_command="echo nothing"))
    with pytest.raises(CannotSign, match="No such file"):
        signed(replace(ssh, key="/nowhere"))
    with pytest.raises(SigningProgramMissing, match="/nowhere/ssh-keygen"):
        signed(replace(ssh, ssh_program="/nowhere/ssh-keygen"))
    with pytest.raises(CannotSign, match="'x509'"):
        signed(replace(ssh, format="x509"))
    missing = found(replace(ssh, ssh_program="/nowhere/ssh-keygen"), signed(ssh))
    assert (missing.state, "cannot be started" in missing.detail) == ("not-checked", True)
    assert found(ssh, "-----BEGIN SIGNED MESSAGE-----\n").state == "not-checked"


def test_a_key_of_the_agent(
    repo: Any, ssh: SigningSettings, ssh_keys: SshKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("ssh-agent", "openssh-client")
    held = ssh_keys.make("held")
    socket = ssh_keys.folder / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE)
    try:
        assert agent.stdout is not None
        agent.stdout.readline()  # says where it listens
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-add", "-q", held.path], check=True)
        held.path.unlink()
        ssh_keys.allow(held, "agent@example.org")
        for config in ({"user__signingKey": f"key::{held.public}"},
                       {"user__signingKey": "", "gpg__ssh__defaultKeyCommand": "ssh-add -L"},
                       {"user__signingKey": str(held.path.with_suffix(".pub"))}):  # fmt: skip
            settings = settings_of(repo, **config)
            assert found(settings, signed(settings)).signer == "agent@example.org"
    finally:
        agent.terminate()
        agent.communicate()


@pytest.mark.slow
def test_a_program_that_waits_is_ended(
    repo: Any, ssh: SigningSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = tmp_path / "waiting"
    waiting.write_text('#!/bin/sh\nsleep 600 & echo $! > "$0.pid"\nwait\n')
    waiting.chmod(0o755)
    monkeypatch.setattr(programs, "_PATIENCE_SECONDS", 1.0)
    with pytest.raises(CannotSign, match="did not end within 1 s"):
        signed(replace(ssh, ssh_program=str(waiting)))
    sleeper = Path(f"/proc/{waiting.with_suffix('.pid').read_text().strip()}/stat")
    deadline = time.monotonic() + 30
    while sleeper.exists() and sleeper.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline


def test_paths_are_those_of_the_users_home_and_of_the_repository(
    repo: Any, isolated_home: Path
) -> None:
    settings = settings_of(
        repo,
        gpg__format="ssh",
        user__signingKey="~/.ssh/key",
        gpg__ssh__allowedSignersFile="team/allowed",
        gpg__ssh__program="~/bin/keygen",
        gpg__program="mygpg",
        gpg__minTrustLevel="Fully",
    )
    assert settings.key == f"{isolated_home}/.ssh/key"
    assert settings.allowed_signers == f"{repo.path}/team/allowed"
    assert settings.ssh_program == f"{isolated_home}/bin/keygen"
    assert (settings.gpg_program, settings.minimum_trust) == ("mygpg", "fully")
    assert settings_of(repo, gpg__openpgp__program="newer").gpg_program == "newer"


# gpg


def test_a_gpg_signature_is_good_where_the_key_is_trusted(repo: Any, gpg: GpgHome) -> None:
    fingerprint = gpg.make("Ada Tester <ada@example.org>")
    for named in ("", fingerprint):  # without a key, gpg finds that of the identity
        settings = settings_of(repo, user__signingKey=named)
        finding = found(settings, signed(settings))
        assert finding == Finding("good", "Ada Tester <ada@example.org>", fingerprint)
    other = found(settings, signed(settings), b"other\n")
    assert (other.state, other.detail) == ("bad", "it is over other content")


def test_a_gpg_key_that_nobody_vouches_for(repo: Any, make_gpg_home: Callable[[], GpgHome]) -> None:
    signer = make_gpg_home()
    fingerprint = signer.make("Ada Tester <ada@example.org>")
    signature = signed(settings_of(repo))
    public = signer.gpg("--armor", "--export", fingerprint)
    reader = make_gpg_home()
    missing = found(settings_of(repo), signature)
    assert (missing.state, "is not in the keyring" in missing.detail) == ("not-checked", True)
    reader.gpg("--import", text=public)
    unknown = found(settings_of(repo), signature)
    assert (unknown.state, unknown.key) == ("unknown-signer", fingerprint)
    assert unknown.detail.endswith("is undefined")
    reader.gpg("--import-ownertrust", text=f"{fingerprint}:6:\n")
    assert found(settings_of(repo), signature).state == "good"


def test_a_gpg_key_that_has_expired(repo: Any, gpg: GpgHome, tmp_path: Path) -> None:
    long_ago = "--faked-system-time=20200101T000000"
    gpg.make("Ada Tester <ada@example.org>", long_ago, expires="2020-06-01")
    back_then = tmp_path / "gpg-back-then"
    back_then.write_text(f'#!/bin/sh\nexec gpg {long_ago} "$@"\n')
    back_then.chmod(0o755)
    settings = settings_of(repo)
    signature = signed(replace(settings, gpg_program=str(back_then)))
    finding = found(settings, signature)
    assert (finding.state, finding.detail) == ("expired", "the key has expired")
    with pytest.raises(CannotSign):
        signed(settings)


@pytest.mark.slow
def test_a_gpg_key_with_a_passphrase_is_not_asked_for(repo: Any, gpg: GpgHome) -> None:
    gpg.make("Ada Tester <ada@example.org>", passphrase="secret")
    asking = gpg.folder / "asking"
    asking.write_text('#!/bin/sh\ntouch "$0.asked"\n')
    asking.chmod(0o755)
    (gpg.folder / "gpg-agent.conf").write_text(f"pinentry-program {asking}\n")
    subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=True)
    settings = settings_of(repo)
    with pytest.raises(CannotSign, match="cannot sign as Ada Tester"):
        signed(settings)
    assert not asking.with_suffix(".asked").exists()
    with pytest.raises(CannotSign):
        sign(settings, DATA, "runref", may_ask=True)
    assert asking.with_suffix(".asked").exists()


def test_two_gpg_signatures_in_one_are_refused(repo: Any, gpg: GpgHome) -> None:
    """Else a good one could carry a bad one, and the other way round."""
    gpg.make("Ada Tester <ada@example.org>")
    gpg.make("Bob <bob@example.org>")
    two = sign_with(gpg, "ada@example.org", "bob@example.org")
    assert found(settings_of(repo), two).detail == "gpg finds 2 signatures in it"
    empty = "-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n"
    assert found(settings_of(repo), empty).state == "bad"


def sign_with(gpg: GpgHome, *who: str) -> str:
    users = [f"--local-user={each}" for each in who]
    return gpg.gpg("--armor", "--detach-sign", *users, text=DATA.decode())


# commits


@given(st.lists(st.text("abc /+=-", max_size=9), min_size=1, max_size=4), st.binary(max_size=30))
def test_a_signature_comes_out_of_a_commit_as_it_went_in(lines: list[str], message: bytes) -> None:
    body = b"tree 1\nauthor A <a> 7 +0000\ncommitter A <a> 7 +0000\n\n" + message
    signature = "".join(f"{line}\n" for line in ("-----BEGIN", *lines, "-----END"))
    for own, other in (("sha1", "sha256"), ("sha256", "sha1")):
        held = with_signature(body, signature, own)
        assert split_signature(held, own) == (body, signature)
        assert split_signature(held, other) == (body, "")
    assert split_signature(body, "sha1") == (body, "")
    assert committed_at(body) == 7


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_commits_of_git_and_of_runref_are_signed_alike(
    make_repo: Callable[..., Any], ssh_keys: SshKeys, key: SshKey, object_format: str
) -> None:
    repo = make_repo("signed", f"--object-format={object_format}")
    settings = settings_of(
        repo,
        gpg__format="ssh",
        user__signingKey=str(key.path),
        gpg__ssh__allowedSignersFile=str(ssh_keys.allow(key)),
    )
    repo.git("commit", "-q", "-S", "--allow-empty", "-m", "by git\n\nbody")
    objects = Repository.open(repo.path, environ=os.environ).objects
    _, body = objects.read(repo.git("rev-parse", "HEAD"))
    payload, signature = split_signature(body, object_format)
    finding = check(settings, payload, signature, "git", committed_at(body))
    assert finding == Finding("good", "ada@example.org", key.fingerprint)

    def signer(unsigned: bytes) -> bytes:
        made = sign(settings, unsigned, "git", may_ask=False)
        return with_signature(unsigned, made, object_format)

    ours = objects.write_commit(
        tree=repo.git("rev-parse", "HEAD^{tree}"), parents=[], identity="Ada <ada@example.org>",
        time=NOW, message="by runref\n\nRun: x\n", signer=signer,
    )  # fmt: skip
    repo.git("verify-commit", ours)
    repo.git("update-ref", "refs/heads/ours", ours)
    repo.fsck()


def test_a_commit_signed_by_gpg_is_good_for_git(repo: Any, gpg: GpgHome) -> None:
    gpg.make("Ada Tester <ada@example.org>")
    settings = settings_of(repo)
    repository = Repository.open(repo.path, environ=os.environ)
    ours = repository.objects.write_commit(
        tree=repo.git("rev-parse", "HEAD^{tree}"), parents=[], identity="Ada <ada@example.org>",
        time=NOW, message="by runref",
        signer=lambda body: with_signature(
            body, sign(settings, body, "git", may_ask=False), "sha1"
        ),
    )  # fmt: skip
    repo.git("verify-commit", ours)
