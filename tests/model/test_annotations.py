from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from runref.model.annotations import Additions, Annotation, Note, apply_annotations

RUN = "20261121-4f1c9b2e7a3d"
tags = st.lists(st.sampled_from("abcd"), max_size=3).map(tuple)
annotations = st.builds(
    Annotation,
    run=st.just(RUN),
    time=st.sampled_from([f"2026-11-2{day}T00:00:00.000000Z" for day in range(4)]),
    author=st.sampled_from(["Ada <a@x>", "Bo <b@x>"]),
    add_tags=tags,
    remove_tags=tags,
    note=st.sampled_from(["", "good", "bad"]),
)
by_name = st.dictionaries(st.sampled_from([f"{n}.yaml" for n in range(8)]), annotations)


@given(tags, by_name, st.randoms(use_true_random=False))
def test_the_order_in_which_annotations_arrive_makes_no_difference(
    own: tuple[str, ...], files: dict[str, Annotation], order: random.Random
) -> None:
    shuffled = list(files.items())
    order.shuffle(shuffled)
    assert apply_annotations(own, dict(shuffled)) == apply_annotations(own, files)


@given(tags, by_name, by_name)
def test_a_union_of_two_histories_is_the_same_from_either_side(
    own: tuple[str, ...], ours: dict[str, Annotation], theirs: dict[str, Annotation]
) -> None:
    # A name is written once: where both have it, it is the same file.
    theirs = {name: ours.get(name, each) for name, each in theirs.items()}
    assert apply_annotations(own, ours | theirs) == apply_annotations(own, theirs | ours)


@given(tags, by_name)
def test_a_tag_is_held_as_the_last_annotation_that_names_it_says(
    own: tuple[str, ...], files: dict[str, Annotation]
) -> None:
    found = apply_annotations(own, files)
    ordered = [each for _, each in sorted(files.items(), key=lambda item: (item[1].time, item[0]))]
    for tag in "abcd":
        held = tag in own
        for each in ordered:
            held = (held or tag in each.add_tags) and tag not in each.remove_tags
        assert (tag in found.tags) is held
    assert len(set(found.tags)) == len(found.tags)
    assert [note.text for note in found.notes] == [each.note for each in ordered if each.note]


def test_tags_and_notes_with_their_authors() -> None:
    later = Annotation(RUN, "2026-11-22T00:00:00.000000Z", "Bo <b@x>", ("new",), ("old",), "kept")
    earlier = Annotation(RUN, "2026-11-21T00:00:00.000000Z", "Ada <a@x>", note="first")
    assert apply_annotations(("old", "own"), {"a": later, "b": earlier}) == Additions(
        ("own", "new"),
        (Note("first", earlier.time, earlier.author), Note("kept", later.time, later.author)),
    )


def test_a_run_without_annotations_has_its_own_tags() -> None:
    assert apply_annotations(("b", "a"), {}) == Additions(("b", "a"))
