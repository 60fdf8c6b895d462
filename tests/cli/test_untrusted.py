"""A record from somebody with bad intentions: nothing is written outside of where it may be."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from runref.artifacts.remote.location import open_remote

pytestmark = pytest.mark.slow

HEADER = {"format": "runref-manifest", "version": 1}
EVIL = b"evil"
DIGEST = f"sha256:{hashlib.sha256(EVIL).hexdigest()}"


def file(path: str, mode: str = "100644") -> dict[str, object]:
    return {"path": path, "mode": mode, "digest": DIGEST, "size": len(EVIL)}


def link(path: str, target: str) -> dict[str, object]:
    return {"path": path, "mode": "120000", "target": target}


MANIFESTS = {
    "parent": [file("../evil")],
    "above and back": [file("a/../../evil")],
    "absolute": [file("{outside}/evil")],
    "link out": [link("out", "{outside}")],
    "relative link out": [link("out", "../../../outside")],
    "through a link": [link("out", "{outside}"), file("out/evil")],
    "device": [{"path": "evil", "mode": "060000", "device": "1:3"}],
    "pipe": [file("evil", mode="010000")],
    "set user id": [file("evil", mode="104755")],
    "nul": [file("evil\0")],
    "git": [file(".git/hooks/post-checkout", mode="100755")],
}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


@pytest.fixture
def trap(repo: Any, cli: Any, tmp_path: Path, outside: Path, make_repo: Any) -> Any:
    """Makes a clone whose only record names a manifest as a directory, input and output."""

    def make(entries: list[dict[str, object]]) -> Path:
        repo.write(".gitignore", "data\n")
        repo.write("data/a", "harmless")
        repo.commit()
        cli("remote", "add", "lab", str(tmp_path / "lab"))
        assert cli("run", "-i", "data", "-o", "data", "--", "true").status == 0
        (digest,) = {each["digest"] for each in cli("show", "--json", "@").json["inputs"]}
        lines = [HEADER, *entries]
        text = b"".join(
            orjson.dumps(line, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
            for line in lines
        ).replace(b"{outside}", os.fsencode(outside))
        store = open_remote(str(tmp_path / "lab"), name="lab")
        for content in (text, EVIL):
            path = tmp_path / "content"
            path.write_bytes(content)
            store.write(f"sha256:{hashlib.sha256(content).hexdigest()}", path)
            path.unlink()
        replace_in_record(repo, digest, f"sha256:{hashlib.sha256(text).hexdigest()}")
        clone = make_repo("clone")
        clone.git("fetch", "-q", str(repo.path), "refs/runref/runs:refs/runref/runs")
        cli("remote", "add", "lab", str(tmp_path / "lab"), cwd=clone.path)
        return clone.path  # type: ignore[no-any-return]

    return make


def replace_in_record(repo: Any, before: str, after: str) -> None:
    """Write another commit of the runs ref, as anybody can who may push to it."""
    index = {**os.environ, "GIT_INDEX_FILE": str(repo.path / ".git/evil-index")}

    def git(*words: str, data: bytes | None = None) -> str:
        done = subprocess.run(
            ["git", *words], cwd=repo.path, env=index, input=data, capture_output=True, check=True
        )
        return done.stdout.decode()

    git("read-tree", "refs/runref/runs")
    (path,) = [each for each in git("ls-files").splitlines() if each.endswith("/run.yaml")]
    text = git("show", f"refs/runref/runs:{path}")
    assert text.count(before) >= 1
    blob = git("hash-object", "-w", "--stdin", data=text.replace(before, after).encode()).strip()
    git("update-index", "--cacheinfo", f"100644,{blob},{path}")
    tree = git("write-tree").strip()
    commit = git("commit-tree", "-p", "refs/runref/runs", "-m", "edit", tree).strip()
    git("update-ref", "refs/runref/runs", commit)


def outside_of(clone: Path, tmp_path: Path) -> set[Path]:
    """Return all that is below the test's folder and not in the clone's own git directory."""
    found = set(tmp_path.rglob("*"))
    return {
        path for path in found if clone / ".git" not in path.parents and "lab" not in path.parts
    }


@pytest.mark.parametrize("name", MANIFESTS)
def test_nothing_is_written_for_it(
    trap: Any, cli: Any, tmp_path: Path, outside: Path, name: str
) -> None:
    clone = trap(MANIFESTS[name])
    (clone / "restored").mkdir()
    before = outside_of(clone, tmp_path)
    hooks = set((clone / ".git/hooks").glob("*"))
    for words in (
        ("get", "@", "data", "-o", "restored"),
        ("get", "@", "-f"),
        ("pull", "--artifacts"),
        ("reproduce", "@"),
        ("gc", "--artifacts", "--dry-run"),
    ):
        done = cli(*words, cwd=clone)
        harmless = (name.endswith("link out") and words[0] in ("pull", "gc")) or name == "git"
        assert harmless or done.status != 0, words
        assert "Traceback" not in done.err
        assert "neither here nor" not in done.err  # it is there, and refused
    after = outside_of(clone, tmp_path)
    if name == "git":  # a path like any other in a folder that is no repository
        after -= set((clone / "restored/data").rglob("*")) | {clone / "restored/data"}
        after -= set((clone / "data").rglob("*")) | {clone / "data"}
    assert after == before
    assert set(outside.iterdir()) == set()
    assert set((clone / ".git/hooks").glob("*")) == hooks
