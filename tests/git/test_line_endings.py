"""Line endings: what git stores of a file is what ``git add`` makes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runref.git.repository import Repository

ATTRIBUTES = """text -text !text text=auto text=input text=odd eol=lf eol=crlf -eol eol=odd
crlf -crlf crlf=input crlf=auto binary -binary big"""
attribute_sets = st.lists(st.sampled_from(ATTRIBUTES.split()), max_size=3)
contents = st.builds(
    b"".join,
    st.lists(
        st.sampled_from(
            [b"word\r\n", b"\r\n", b"\n", b"\r", b"a", b"x" * 130, b"\0", b"\x01", b"\x1a", b"\x7f"]
        ),
        max_size=12,
    ),
)


@pytest.mark.slow
@given(
    weak=attribute_sets,
    strong=attribute_sets,
    auto=st.sampled_from(["", "true", "yes", "input", "Input", "false"]),
    content=contents,
)
@example(weak=["text=auto"], strong=[], auto="", content=b"x" * 127 + b"\x01\r\n")
@example(weak=["text=auto"], strong=[], auto="", content=b"x" * 128 + b"\x01\r\n")
@example(weak=["text=auto"], strong=[], auto="", content=b"a\r\n\x1a")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_git_stores_the_same(repo, weak, strong, auto, content) -> None:
    outside = Path(os.environ["XDG_CONFIG_HOME"], "git", "attributes")
    outside.parent.mkdir(parents=True, exist_ok=True)
    outside.write_text(f"* {' '.join(weak)}\n")
    macro = "[attr]big text eol=crlf\n"
    repo.write(".gitattributes", f"{macro}*.txt {' '.join(strong)}\n")
    repo.git("config", "core.autocrlf", auto or "false")
    repo.git("config", "core.safecrlf", "false")
    repository = Repository.open(repo.path, environ=os.environ)
    stored = repository.line_endings().stored(b"a.txt", content)
    expected = repo.git("hash-object", "--path=a.txt", "--stdin", input=content)
    assert repository.objects.hash("blob", stored) == expected


@pytest.mark.parametrize("where", ["info", "nested"])
def test_rules_come_from_all_places(repo, where) -> None:
    repo.write(".git/info/attributes" if where == "info" else "sub/.gitattributes", "*.txt text\n")
    line_endings = Repository.open(repo.path, environ=os.environ).line_endings()
    assert line_endings.stored(b"sub/a.txt", b"a\r\n") == b"a\n"
    assert line_endings.stored(b"sub/a.csv", b"a\r\n") == b"a\r\n"
