"""The laws of a remote, one test each; see `RemoteStore` for what they are about."""

from __future__ import annotations

from typing import NoReturn

import pytest

from runref.artifacts.remote.store import RemoteStore
from runref.testing.beside import Beside
from runref.testing.listing_laws import ListingLaws
from runref.testing.note_laws import NoteLaws
from runref.testing.reading_laws import ReadingLaws
from runref.testing.visibility_laws import VisibilityLaws
from runref.testing.writing_laws import WritingLaws


class StoreContract(ReadingLaws, WritingLaws, VisibilityLaws, ListingLaws, NoteLaws):
    """The laws that every `RemoteStore` must obey, as tests of pytest.

    Derive a class whose name begins with ``Test``, and give it a fixture `store`; see
    `runref.testing` for an example.

    Attributes:
        large_size: Bytes of a large content. Set it above the size from which your remote handles
            contents in pieces, and to no multiple of a piece.
        many: How many small contents the laws about long listings store. Set it above the number
            that your remote lists in one answer; fewer where each takes long.
    """

    large_size = (16 << 20) + 12_345
    many = 1100

    @pytest.fixture
    def store(self) -> NoReturn:
        """Return a remote that is empty and belongs to the test alone."""
        raise NotImplementedError("give your class a fixture `store`")

    @pytest.fixture
    def second_store(self, store: RemoteStore) -> RemoteStore:
        """Return another object for the same remote; the same one where there is no other."""
        return store

    @pytest.fixture
    def beside(self) -> Beside:
        """Return what looks at the remote's files without it."""
        pytest.skip("needs the fixture `beside`, which looks at the remote without it")
