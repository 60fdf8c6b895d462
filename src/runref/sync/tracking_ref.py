"""What another repository's runs ref was when it was last seen."""

from __future__ import annotations

import hashlib
import re

from runref.git.refs import Ref
from runref.model.credentials import without_credentials
from runref.project.project import Project

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*")


def tracking_ref(project: Project, remote: str) -> Ref:
    """Return the remote-tracking ref of a remote, a URL or a path."""
    return project.repository.ref(f"refs/runref/remotes/{_folder(project, remote)}/runs")


def shown_name(remote: str) -> str:
    """Return what a remote is called in messages and in commits, where no secret may stand."""
    return without_credentials(remote)


def _folder(project: Project, remote: str) -> str:
    configured = project.repository.config(f"remote.{remote}", "url") is not None
    if configured and _PLAIN.fullmatch(remote) and not remote.endswith(".lock"):
        return remote
    return f"at-{hashlib.sha256(remote.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"
