"""What signatures cost: a commit of the runs ref, and verifying runs."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import Figure, by_turns, git, repository, show, timed

BATCH = 50
VERIFIED = 20
KINDS = ("unsigned", "ssh", "gpg")


@contextmanager
def keys(root: Path) -> Iterator[None]:
    """Make a key of each kind, in a home of gpg that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="gpg") as folder:
        os.environ["GNUPGHOME"] = folder
        who = "Ada <ada@example.org>"
        gpg = ("gpg", "--batch", "--quiet", "--passphrase=", "--pinentry-mode=loopback")
        subprocess.run([*gpg, "--quick-gen-key", who, "ed25519", "sign", "never"], check=True)
        key = root.parent / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        allowed = root.parent / "allowed"
        allowed.write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
        git(root, "config", "gpg.ssh.allowedSignersFile", str(allowed))
        try:
            yield
        finally:
            subprocess.run(["gpgconf", "--kill", "all"], check=True)


def use(root: Path, kind: str) -> None:
    """Let git sign by ssh or gpg, or not at all."""
    git(root, "config", "commit.gpgSign", "false" if kind == "unsigned" else "true")
    git(root, "config", "gpg.format", "ssh" if kind == "ssh" else "openpgp")
    git(root, "config", "user.signingKey", str(root.parent / "key") if kind == "ssh" else "")


def commits(root: Path, kind: str) -> float:
    """Return seconds a commit where `BATCH` are made at once, the settings read anew."""
    from runref.git.repository import Repository
    from runref.store.runs_ref import RunsRef, annotation_addition

    use(root, kind)
    runs = RunsRef(Repository.open(root, environ=os.environ), print)
    blob = runs.objects.write_blob(b"content\n")
    stamp = time.time_ns()
    additions = [
        annotation_addition("20261121-4f1c9b2e7a3d", f"{stamp}-{each}.yaml", blob, "x\n", 1)
        for each in range(BATCH)
    ]
    begin = time.perf_counter()
    with runs.lock(10):
        runs.append(additions, reason="benchmark")
    return (time.perf_counter() - begin) / BATCH


def programs(root: Path) -> dict[str, tuple[str, ...]]:
    """Return what a signature costs at least: the programs alone."""
    return {
        "ssh": ("ssh-keygen", "-Y", "sign", "-n", "git", "-f", f"{root.parent}/key"),
        "gpg": ("gpg", "--batch", "-bsau", "ada@example.org"),
    }


def program(argv: tuple[str, ...]) -> float:
    """Return seconds that a program takes to sign a few bytes."""
    begin = time.perf_counter()
    subprocess.run(argv, input=b"content\n", check=True, capture_output=True)
    return time.perf_counter() - begin


def verifying(root: Path, kind: str) -> tuple[float, ...]:
    """Return seconds a run to verify `VERIFIED` runs, each with a signature of this kind."""
    import runref
    from runref.project.project import open_project
    from runref.project.signing import sign_runs
    from runref.project.vouching import vouch

    use(root, kind)
    git(root, "config", "commit.gpgSign", "false")
    for number in range(VERIFIED):
        with runref.init(params={"number": number}, console=False, nested=True) as run:
            run.log({"loss": 0.5})
    project = open_project(root, os.environ)
    runs = list(project.runs.runs())
    if kind != "unsigned":
        sign_runs(project, [project.read(run.id) for run in runs])
    settings = project.repository.signing()
    rounds = timed(lambda: list(vouch(project, runs, settings)))
    found = {each.state for run in vouch(project, runs, settings) for each in run.signatures}
    assert found == (set() if kind == "unsigned" else {"good"})
    return tuple(seconds / len(runs) for seconds in rounds)


def in_milliseconds(seconds: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(each * 1e3 for each in seconds)


def main() -> None:
    with repository() as root, keys(root):
        os.chdir(root)
        ways = {kind: lambda kind=kind: commits(root, kind) for kind in KINDS}
        alone = {kind: lambda argv=argv: program(argv) for kind, argv in programs(root).items()}
        taken = by_turns({**ways, **{f"{kind} alone": way for kind, way in alone.items()}}, 5)
        for kind in KINDS:
            floor = min(in_milliseconds(taken[f"{kind} alone"])) if kind in alone else None
            show(Figure(f"a commit, {kind}", "ms", in_milliseconds(taken[kind]), floor))
    for kind in KINDS:
        with repository() as root, keys(root):
            os.chdir(root)
            show(Figure(f"verifying a run, {kind}", "ms", in_milliseconds(verifying(root, kind))))


if __name__ == "__main__":
    main()
