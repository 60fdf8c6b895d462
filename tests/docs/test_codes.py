"""Every error code and notice code is unique and documented, and none is documented in vain."""

from __future__ import annotations

import re

import pytest
from advice import ERRORS, NOTICES
from error_codes import error_classes, meaning, notice_codes

from runref.errors import ExitStatus, RunrefError

CLASSES = error_classes()


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_an_error_has_a_code_a_status_and_a_meaning(error: type[RunrefError]) -> None:
    assert "code" in vars(error), "a code of its own"
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code)
    assert error.exit_status in (ExitStatus.NO, ExitStatus.USAGE, ExitStatus.COULD_NOT_RUN)
    assert meaning(error).endswith(".")
    assert "\n" not in error.code


def test_error_codes_are_unique() -> None:
    codes = [error.code for error in CLASSES]
    assert len(set(codes)) == len(codes)
    assert RunrefError.code not in codes


def test_every_error_code_has_advice_and_no_other() -> None:
    assert sorted(ERRORS) == sorted(error.code for error in CLASSES)


def test_every_notice_code_has_a_meaning_and_no_other() -> None:
    assert sorted(NOTICES) == notice_codes()
