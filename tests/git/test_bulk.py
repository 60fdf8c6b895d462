from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from runref.git.bulk import read_each, read_through_git
from runref.git.objects import ObjectMissing, ObjectStore
from runref.git.repository import Repository

GIT = shutil.which("git") or ""


@pytest.fixture
def objects(repo: Any) -> ObjectStore:
    return Repository.open(repo.path, environ=os.environ).objects


@pytest.fixture(params=["each", "through git"])
def read_many(request: pytest.FixtureRequest, repo: Any, objects: ObjectStore) -> Any:
    def read(oids: list[str], limit: int = 1000) -> Any:
        if request.param == "each":
            return read_each(objects, oids, limit)
        return read_through_git(GIT, repo.path / ".git", os.environ, oids, limit)

    return read


def test_contents_come_in_order(repo: Any, objects: ObjectStore, read_many: Any) -> None:
    tree = repo.git("rev-parse", "HEAD^{tree}")
    texts = [objects.write_blob(text) for text in (b"", b"one\n\nline", b"\0\xff")]
    oids = [*texts, tree, texts[1]]
    assert list(read_many(oids)) == [objects.read(oid) for oid in oids]
    assert list(read_many([])) == []


def test_what_is_too_large_is_the_end(objects: ObjectStore, read_many: Any) -> None:
    small, large = objects.write_blob(b"x" * 1000), objects.write_blob(b"x" * 1001)
    assert list(read_many([small, large, small])) == [("blob", b"x" * 1000), None]


def test_what_is_missing_is_named(objects: ObjectStore, read_many: Any) -> None:
    there, missing = objects.write_blob(b"there"), "12" * 20
    found = read_many([there, missing])
    assert next(found) == ("blob", b"there")
    with pytest.raises(ObjectMissing, match=missing):
        next(found)
