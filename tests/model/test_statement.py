"""The text that a signature of a run is over."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model.annotations import Annotation, Signature
from runref.model.codec import dump_yaml, load_yaml
from runref.model.documents import from_document, to_document
from runref.model.schema import InvalidDocument, validate
from runref.model.statement import MalformedStatement, Statement, parse_statement

RUN, MOMENT = "20261121-4f1c9b2e7a3d", "2026-11-21T14:03:12.123456Z"
DIGEST = "sha256:" + hashlib.sha256(b"run.yaml").hexdigest()
TEXT = f"runref signature 1\nrun {RUN}\nrun.yaml {DIGEST}\ntime {MOMENT}\n"


def test_the_bytes_that_are_signed() -> None:
    """They may never change: old signatures are over them."""
    assert Statement(RUN, DIGEST, MOMENT).text() == TEXT
    assert parse_statement(TEXT) == Statement(RUN, DIGEST, MOMENT)


@given(st.integers(0, len(TEXT)), st.sampled_from(["", "\n", " ", "x", "0", "\r", "é", "٣"]))
def test_what_is_no_statement_is_refused(place: int, more: str) -> None:
    """Of one digit more or less no other statement comes: one text says one thing."""
    for text in (TEXT[:place] + more + TEXT[place:], TEXT[:place] + more + TEXT[place + 1 :]):
        try:
            parsed = parse_statement(text)
        except MalformedStatement:
            continue
        assert parsed.text() == text


@pytest.mark.parametrize(
    "change",
    [
        {"format": "x509"},
        {"statement": "anything\n"},
        {"statement": TEXT + TEXT},
        {"text": "x" * 70_000},
        {"more": ""},
    ],
)
def test_an_annotation_holds_a_signature(change: dict[str, str]) -> None:
    annotation = Annotation(
        RUN, MOMENT, "Ada <a@x>", signature=Signature("ssh", TEXT, "-----BEGIN\n\nA=\n-----END\n")
    )
    document = to_document(annotation)
    validate("annotation", document)
    assert from_document(Annotation, load_yaml(dump_yaml(document))) == annotation
    with pytest.raises(InvalidDocument):
        validate("annotation", {**document, "signature": {**document["signature"], **change}})
