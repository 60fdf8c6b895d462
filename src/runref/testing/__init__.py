"""Contracts that an implementation of a remote can be held against, for pytest.

A remote of your own passes them like this::

    import pytest
    from runref.testing import Beside, StoreContract

    class TestShelf(StoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return ShelfStore(tmp_path / "shelf")      # empty, and only this test's

        @pytest.fixture
        def second_store(self, tmp_path, store):
            return ShelfStore(tmp_path / "shelf")      # the same remote, as another machine sees it

        @pytest.fixture
        def beside(self, tmp_path):
            return Beside(tmp_path / "shelf")          # what lies there; or a class of your own

Only `store` must be there. Without `beside` the laws about what other programs see are skipped.
"""

import pytest

# Before they are imported: a law that is broken then says what was found.
pytest.register_assert_rewrite(
    *(f"{__name__}.{laws}_laws" for laws in ("listing", "note", "reading", "visibility", "writing"))
)

from runref.testing.beside import Beside  # noqa: E402
from runref.testing.contract import StoreContract  # noqa: E402

__all__ = ["Beside", "StoreContract"]
