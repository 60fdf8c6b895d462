"""What may be the matter with a bundle."""

from __future__ import annotations

from runref.errors import ExitStatus, RunrefError

_AGAIN = "copy it again from where it was made; `sha256sum` of both files says whether they agree"


class NoBundle(RunrefError):
    """A file is no bundle."""

    code = "no-bundle"
    exit_status = ExitStatus.USAGE


class BundleTooNew(RunrefError):
    """A later version of runref made a bundle."""

    code = "bundle-too-new"


class BundleDamaged(RunrefError):
    """A bundle ends too early, or holds other bytes than its manifest says."""

    code = "bundle-damaged"
    exit_status = ExitStatus.NO


class BundleRefused(RunrefError):
    """A bundle holds something that runref never writes: it may be made to do harm."""

    code = "bundle-refused"
    exit_status = ExitStatus.NO


def damaged(what: str) -> BundleDamaged:
    """Return the error for bytes that are not those that were written."""
    return BundleDamaged(f"the bundle is damaged: {what}", hint=_AGAIN)


def refused(what: str) -> BundleRefused:
    """Return the error for what no runref writes."""
    return BundleRefused(
        f"the bundle is refused: {what}",
        hint="nothing of it was taken; ask who made it, and with what",
    )
