from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model.annotations import (
    LAST_REVISION,
    Additions,
    Annotation,
    Note,
    apply_annotations,
    read_annotation,
)
from runref.model.documents import MalformedDocument, to_document
from runref.model.schema import validate

RUN = "20261121-4f1c9b2e7a3d"
EARLY, LATE = "2026-11-21T00:00:00.000000Z", "2026-11-22T00:00:00.000000Z"
A_YEAR_BEHIND = "2025-11-22T00:00:00.000000Z"
tags = st.lists(st.sampled_from("abcd"), max_size=3).map(tuple)
times = st.sampled_from([f"2026-11-2{day}T00:00:00.000000Z" for day in range(4)])
annotations = st.builds(
    Annotation,
    run=st.just(RUN),
    time=times,
    author=st.sampled_from(["Ada <a@x>", "Bo <b@x>"]),
    add_tags=tags,
    remove_tags=tags,
    note=st.sampled_from(["", "good", "bad"]),
    revision=st.integers(0, 3) | st.just(LAST_REVISION),
    removed=st.none() | st.booleans(),
    name=st.none() | st.sampled_from(["", "wide", "deep"]),
    status=st.sampled_from(["", "finished", "failed", "interrupted"]),
)
by_name = st.dictionaries(st.sampled_from([f"{n}.yaml" for n in range(8)]), annotations)


def in_order(files: Mapping[str, Annotation]) -> list[Annotation]:
    ordered = sorted(files.items(), key=lambda item: (item[1].revision, item[1].time, item[0]))
    return [each for _, each in ordered]


# laws


@given(tags, by_name, st.randoms(use_true_random=False))
def test_the_order_in_which_annotations_arrive_makes_no_difference(
    own: tuple[str, ...], files: dict[str, Annotation], order: random.Random
) -> None:
    shuffled = list(files.items())
    order.shuffle(shuffled)
    assert apply_annotations(own, dict(shuffled)) == apply_annotations(own, files)


@given(tags, by_name, by_name, by_name)
def test_the_order_in_which_histories_are_joined_makes_no_difference(
    own: tuple[str, ...],
    ours: dict[str, Annotation],
    theirs: dict[str, Annotation],
    others: dict[str, Annotation],
) -> None:
    # A name is written once: where several have it, it is the same file.
    theirs = {name: ours.get(name, each) for name, each in theirs.items()}
    others = {name: (ours | theirs).get(name, each) for name, each in others.items()}
    expected = apply_annotations(own, ours | theirs | others)
    assert apply_annotations(own, others | (theirs | ours)) == expected
    assert apply_annotations(own, theirs | (others | ours) | theirs) == expected


@given(tags, by_name)
def test_a_tag_is_held_as_the_last_revision_that_names_it_says_and_an_add_outweighs(
    own: tuple[str, ...], files: dict[str, Annotation]
) -> None:
    found = apply_annotations(own, files)
    ordered = in_order(files)
    for tag in "abcd":
        held = tag in own
        for each in (each for each in ordered if not each.revision):
            held = (held or tag in each.add_tags) and tag not in each.remove_tags
        for revision in sorted({each.revision for each in ordered if each.revision}):
            together = [each for each in ordered if each.revision == revision]
            held = held and not any(tag in each.remove_tags for each in together)
            held = held or any(tag in each.add_tags for each in together)
        assert (tag in found.tags) is held
    assert len(set(found.tags)) == len(found.tags)


@given(tags, by_name)
def test_every_note_is_kept_and_of_all_else_the_latest_counts(
    own: tuple[str, ...], files: dict[str, Annotation]
) -> None:
    found, ordered = apply_annotations(own, files), in_order(files)
    assert [note.text for note in found.notes] == [each.note for each in ordered if each.note]
    names = [each.name for each in ordered if each.name is not None]
    assert found.name == (names[-1] if names else None)
    assert found.status == ([each.status for each in ordered if each.status] or [""])[-1]
    removals = [each.removed for each in ordered if each.removed is not None]
    assert (found.removed is not None) is (removals or [False])[-1]
    assert found.revision == max((each.revision for each in ordered), default=0)


@given(annotations)
def test_an_annotation_comes_back_from_the_document_that_the_schema_describes(
    annotation: Annotation,
) -> None:
    whole = replace(annotation, time=EARLY)
    document = to_document(whole)
    validate("annotation", document)
    assert read_annotation(document) == whole


# two people who do not see each other


@dataclass
class Clone:
    """A clone of somebody who edits one run, with a clock of their own."""

    who: str
    time: str = EARLY
    files: dict[str, Annotation] = field(default_factory=dict)
    own: tuple[str, ...] = ()

    @property
    def seen(self) -> Additions:
        return apply_annotations(self.own, self.files)

    def edit(self, **changes: object) -> None:
        """Annotate as `runref.project.annotating` does: what is not seen cannot be taken away."""
        seen = self.seen
        gone = changes.pop("remove_tags", ())
        removed = tuple(tag for tag in gone if tag in seen.tags)  # type: ignore[attr-defined]
        annotation = Annotation(
            RUN,
            self.time,
            self.who,
            remove_tags=removed,
            revision=seen.next_revision,
            **changes,  # type: ignore[arg-type]
        )
        self.files[f"{len(self.files):03d}-{self.who}.yaml"] = annotation

    def clone(self, who: str, time: str = EARLY) -> Clone:
        return Clone(who, time, dict(self.files), self.own)

    def pull(self, other: Clone) -> None:
        self.files.update(other.files)


words = st.sampled_from(["a", "b", "c", "d", "e", "f"])
edits = st.lists(st.tuples(st.sampled_from(["add", "remove"]), words), max_size=6)


def carry_out(clone: Clone, changes: list[tuple[str, str]], among: str) -> None:
    for kind, tag in changes:
        if tag in among:
            clone.edit(**{"add_tags" if kind == "add" else "remove_tags": (tag,)})


@given(edits, edits, edits, times, times)
def test_two_people_who_edit_other_tags_of_one_run_both_keep_their_edits(
    before: list[tuple[str, str]],
    ours: list[tuple[str, str]],
    theirs: list[tuple[str, str]],
    our_time: str,
    their_time: str,
) -> None:
    base = Clone("base", own=("a", "d"))
    carry_out(base, before, "abcdef")
    ada, bo = base.clone("Ada", our_time), base.clone("Bo", their_time)
    carry_out(ada, ours, "abc")
    carry_out(bo, theirs, "def")
    joined = ada.clone("both")
    joined.pull(bo)
    held = set(joined.seen.tags)
    assert held & set("abc") == set(ada.seen.tags) & set("abc")
    assert held & set("def") == set(bo.seen.tags) & set("def")


@given(edits, st.booleans(), times, times)
def test_a_tag_that_one_adds_while_another_takes_it_away_is_kept(
    before: list[tuple[str, str]], adder_is_first: bool, one: str, other: str
) -> None:
    base = Clone("base")
    carry_out(base, before, "abcdef")
    base.edit(add_tags=("x",))
    adder = base.clone("Ada" if adder_is_first else "Zoe", one)
    remover = base.clone("Bo", other)
    adder.edit(add_tags=("x",))
    remover.edit(remove_tags=("x",))
    assert "x" not in remover.seen.tags
    remover.pull(adder)
    assert "x" in remover.seen.tags


@given(edits, times, times)
def test_a_tag_that_is_not_seen_cannot_be_taken_away(
    others: list[tuple[str, str]], one: str, other: str
) -> None:
    ada, bo = Clone("Ada", one), Clone("Bo", other)
    ada.edit(add_tags=("x",))
    carry_out(bo, others, "abcdef")
    bo.edit(remove_tags=("x",))
    bo.pull(ada)
    assert "x" in bo.seen.tags


def test_who_saw_another_edit_comes_after_it_though_the_clock_is_a_year_behind() -> None:
    ada = Clone("Ada", LATE)
    ada.edit(add_tags=("x", "y"), name="wide", status="failed", removed=True, note="first")
    bo = ada.clone("Bo", A_YEAR_BEHIND)
    bo.edit(remove_tags=("x",), name="deep", status="finished", removed=False, note="second")
    ada.pull(bo)
    assert ada.seen.tags == ("y",)
    assert (ada.seen.name, ada.seen.status, ada.seen.removed) == ("deep", "finished", None)
    assert [note.text for note in ada.seen.notes] == ["first", "second"]


def test_of_two_who_did_not_see_each_other_the_clock_decides_for_names_and_status() -> None:
    ada, bo = Clone("Ada", LATE), Clone("Bo", EARLY)
    ada.edit(name="wide", status="failed", removed=True)
    bo.edit(name="deep", status="interrupted", removed=False)
    for one, other in ((ada.clone("x"), bo), (bo.clone("y"), ada)):
        one.pull(other)
        assert (one.seen.name, one.seen.status) == ("wide", "failed")
        assert one.seen.removed == Note("", LATE, "Ada")


def test_at_the_highest_revision_writing_goes_on() -> None:
    ada = Clone("Ada", LATE)
    ada.files["0-hostile"] = Annotation(RUN, EARLY, "Eve", ("x",), revision=LAST_REVISION)
    ada.edit(name="wide")
    assert ada.seen.revision == ada.seen.next_revision == LAST_REVISION
    ada.time = A_YEAR_BEHIND
    ada.edit(name="deep")
    assert ada.seen.name == "wide"  # nothing but the clock is left to go by


# single ones


def test_tags_and_notes_with_their_authors() -> None:
    later = Annotation(RUN, LATE, "Bo <b@x>", ("new",), ("old",), "kept")
    earlier = Annotation(RUN, EARLY, "Ada <a@x>", note="first")
    assert apply_annotations(("old", "own"), {"a": later, "b": earlier}) == Additions(
        ("own", "new"),
        (Note("first", earlier.time, earlier.author), Note("kept", later.time, later.author)),
    )


def test_a_run_without_annotations_has_its_own_tags() -> None:
    assert apply_annotations(("b", "a"), {}) == Additions(("b", "a"))


def test_a_removal_says_why_when_and_by_whom() -> None:
    removal = Annotation(RUN, LATE, "Bo <b@x>", note="wrong data", revision=1, removed=True)
    found = apply_annotations((), {"a": removal})
    assert found.removed == Note("wrong data", LATE, "Bo <b@x>")
    assert found.notes == (found.removed,)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"revision": "2"}, "revision: '2' is text, not an integer"),
        ({"revision": True}, "revision: True is a boolean, not an integer"),
        ({"revision": 1.0}, "not an integer"),
        ({"revision": None}, "not an integer"),
        ({"revision": -1}, "a revision is a number from 0 to"),
        ({"revision": LAST_REVISION + 1}, "a revision is a number from 0 to"),
        ({"revision": 10**400}, "a revision is a number from 0 to"),
        ({"status": "running"}, "no run ends as 'running'"),
        ({"status": "x" * 999}, "no run ends as 'xxx"),
        ({"removed": "yes"}, "removed: 'yes' is text, not a boolean"),
        ({"removed": 1}, "removed: 1 is an integer, not a boolean"),
        ({"name": 7}, "name: 7 is an integer, not text"),
        ({"colour": "red"}, "has no field 'colour'"),
    ],
)
def test_what_means_nothing_is_refused(changes: dict[str, object], words: str) -> None:
    document = {"run": RUN, "time": EARLY, "author": "Ada <a@x>", "format": 1, **changes}
    with pytest.raises(MalformedDocument) as caught:
        read_annotation(document)
    assert words in caught.value.message
    assert len(caught.value.message) < 200
