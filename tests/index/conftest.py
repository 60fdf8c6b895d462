"""The index is tested on the same runs as the store."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "runs_for_tests", Path(__file__).parents[1] / "store" / "conftest.py"
)
assert _spec is not None
assert _spec.loader is not None
_store = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_store)

writer = _store.writer
make_writer = _store.make_writer
