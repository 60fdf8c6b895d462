"""The ignore rules and attribute files, held against the real git."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runref.git.attributes import FilterAttributes
from runref.git.ignore import IgnoreRules

NAMES = b"a|b|foo|bar|foo.o|x.log|#h|!n|sp |a b|[z]|q\\w|\xe9|A".split(b"|")
ATOMS = (
    b"a|b|foo|bar|*|**|***|?|/|/|/**/|*.o|*.log|[ab]|[!a]|[^a-f]|[]a]|[a-|[z|[[:alpha:]]|"
    b"[[:nope:]]|\\#h|\\!n|\\|\\a|sp\\ |sp | |\\[z\\]|\xe9|#|\r|\t"
).split(b"|")

patterns = st.builds(
    lambda negated, anchored, atoms, folder: negated + anchored + b"".join(atoms) + folder,
    st.sampled_from([b"", b"", b"", b"!"]),
    st.sampled_from([b"", b"", b"", b"/"]),
    st.lists(st.sampled_from(ATOMS), min_size=1, max_size=4),
    st.sampled_from([b"", b"", b"", b"/"]),
)
rule_files = st.builds(
    lambda start, lines, end: start + end.join(lines),
    st.sampled_from([b"", b"", b"", b"\xef\xbb\xbf"]),
    st.lists(patterns, min_size=1, max_size=4),
    st.sampled_from([b"\n", b"\n", b"\r\n"]),
)
# A tree: each name is a file (None) or a folder with perhaps a .gitignore and more names.
trees = st.recursive(
    st.none(),
    lambda below: st.tuples(
        st.one_of(st.none(), rule_files),
        st.dictionaries(st.sampled_from(NAMES), below, min_size=1, max_size=4),
    ),
    max_leaves=14,
)
working_trees = st.tuples(
    rule_files, st.dictionaries(st.sampled_from(NAMES), trees, min_size=1, max_size=5)
)


@pytest.fixture(scope="module")
def bare_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ignore")
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


def populate(folder: bytes, tree: tuple[bytes | None, dict[bytes, object]]) -> None:
    rules, names = tree
    Path(os.fsdecode(folder)).mkdir(exist_ok=True)
    if rules is not None:
        Path(os.fsdecode(folder), ".gitignore").write_bytes(rules)
    for name, below in names.items():
        path = folder + b"/" + name
        if below is None:
            Path(os.fsdecode(path)).write_bytes(b"x")
        else:
            populate(path, below)  # type: ignore[arg-type]


def clear(root: Path) -> None:
    for entry in root.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def git_lists(root: Path, *options: str) -> set[bytes]:
    listed = subprocess.run(
        ["git", *options, "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=root, capture_output=True, check=True,
    )  # fmt: skip
    return set(listed.stdout.split(b"\0")) - {b""}


def we_list(root: bytes, rules: IgnoreRules, folder: bytes = b"") -> Iterator[bytes]:
    for entry in os.scandir(root + b"/" + folder):
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name == b".git" or rules.ignored(folder, entry.name, is_folder=is_folder):
            continue
        if is_folder:
            yield from we_list(root, rules, folder + entry.name + b"/")
        else:
            yield folder + entry.name


def rules_for(root: Path, *personal: Path, ignore_case: bool = False) -> IgnoreRules:
    outside = [root / ".git" / "info" / "exclude", *personal]
    return IgnoreRules(
        os.fsencode(root), [os.fsencode(p) for p in outside], ignore_case=ignore_case
    )


@pytest.mark.slow
@given(tree=working_trees)
# dulwich.ignore 1.2.21 loses a/f here: it judges the folder a/ by the rules inside a/.
@example(tree=(b"", {b"a": (b"**/", {b"foo": None, b"b": (None, {b"foo": None})})}))
@example(tree=(b"", {b"a": (b"***/\n", {b"foo": None})}))
# dulwich.wildmatch reads these unlike git.
@example(tree=(b"foo**/bar\n", {b"foo": (None, {b"b": (None, {b"bar": None})}), b"a": None}))
@example(tree=(b"/****\n", {b"a": (None, {b"foo": None})}))
@example(tree=(b"//a\n/foo\n", {b"a": None, b"foo": None}))
@example(tree=(b"e\\\\ \nf\\ \n", {b"e\\": None, b"e\\ ": None, b"f ": None, b"f": None}))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_ignores_what_git_ignores(
    bare_checkout: Path, tree: tuple[bytes, dict[bytes, object]]
) -> None:
    clear(bare_checkout)
    populate(os.fsencode(bare_checkout), tree)
    ours = set(we_list(os.fsencode(bare_checkout), rules_for(bare_checkout)))
    assert ours == git_lists(bare_checkout)


def test_outside_files_and_their_order(repo, isolated_home: Path) -> None:
    personal = isolated_home / ".config" / "git" / "ignore"
    personal.parent.mkdir(parents=True)
    personal.write_text("*.tmp\n*.keep\n*.both\n")
    repo.write(".git/info/exclude", "*.log\n!*.keep\n")
    repo.write(".gitignore", "!important.log\n!*.both\n")
    for name in ("a.tmp", "a.keep", "a.log", "important.log", "x.both", "plain"):
        repo.write(name, "x")
    ours = set(we_list(os.fsencode(repo.path), rules_for(repo.path, personal)))
    assert ours == git_lists(repo.path)
    assert {b"a.keep", b"important.log", b"x.both", b"plain"} <= ours
    assert not {b"a.tmp", b"a.log"} & ours


def test_links_are_no_rules_and_no_folders(repo) -> None:
    repo.write("elsewhere/rules", "*\n")
    repo.path.joinpath("linked").mkdir()
    repo.path.joinpath("linked/.gitignore").symlink_to("../elsewhere/rules")
    repo.write("linked/file", "x")
    repo.write(".gitignore", "to_folder/\n")
    repo.path.joinpath("to_folder").symlink_to("pkg")
    ours = set(we_list(os.fsencode(repo.path), rules_for(repo.path)))
    assert ours == git_lists(repo.path)
    assert {b"linked/file", b"to_folder"} <= ours


def test_ignore_case(repo) -> None:
    repo.write(".gitignore", "BUILD/\n*.LoG\n")
    repo.write("build/x", "x")
    repo.write("a.log", "x")
    ours = set(we_list(os.fsencode(repo.path), rules_for(repo.path, ignore_case=True)))
    assert ours == git_lists(repo.path, "-c", "core.ignorecase=true")
    assert b"a.log" not in ours


attribute_lines = st.builds(
    lambda pattern, attributes: pattern + b" " + attributes,
    st.sampled_from(b'*.bin|a|/a|b/*.bin|**/b/**|foo/|*|"a b"|"\\303\\251"|!a|[ab]*'.split(b"|")),
    st.sampled_from(
        b"filter=lfs|filter=lfs -text|-filter|!filter|text|filter=other filter=lfs|big|-big|"
        b"filter|big=x".split(b"|")
    ),
)
attribute_files = st.builds(
    lambda lines: b"[attr]big filter=lfs -text\n" + b"\n".join(lines),
    st.lists(attribute_lines, min_size=1, max_size=4),
)
PATHS = [b"a", b"a b", b"b/x.bin", b"b/b/x.bin", b"b/a", b"foo/x.bin", b"x.bin", "é".encode(), b"c"]


@pytest.mark.slow
@given(top=attribute_files, below=attribute_files, own=attribute_files)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_filters_are_those_git_sees(
    bare_checkout: Path, top: bytes, below: bytes, own: bytes
) -> None:
    clear(bare_checkout)
    bare_checkout.joinpath("b").mkdir()
    bare_checkout.joinpath(".gitattributes").write_bytes(top)
    # Macros are for the top file and the repository's own.
    bare_checkout.joinpath("b/.gitattributes").write_bytes(below.split(b"\n", 1)[1])
    bare_checkout.joinpath(".git/info/attributes").write_bytes(own)
    asked = subprocess.run(
        ["git", "check-attr", "-z", "--stdin", "filter"],
        cwd=bare_checkout, input=b"\0".join(PATHS) + b"\0", capture_output=True, check=True,
    )  # fmt: skip
    fields = asked.stdout.split(b"\0")
    git_says = dict(zip(fields[0::3], fields[2::3], strict=False))
    ours = FilterAttributes(os.fsencode(bare_checkout), strongest=[own])
    no_name = {b"unspecified", b"unset", b"set"}
    assert {path: ours.filter_of(path) for path in PATHS} == {
        path: b"" if git_says[path] in no_name else git_says[path] for path in PATHS
    }
