"""Who makes a commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from runref.git.config import Config, ConfigDamaged

_REFUSED = str.maketrans("", "", "<>\n\0")
_STRIPPED = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
"""What git takes off the ends of a name or mail address (``strbuf_addstr_without_crud``)."""


def identity_of(environ: Mapping[str, str], config: Callable[[], Config]) -> str:
    """``Name <mail>``: of the environment, else of git's configuration, else of the system.

    Args:
        environ: ``GIT_AUTHOR_NAME``, ``GIT_COMMITTER_NAME``, the same with ``EMAIL``, ``EMAIL``.
        config: Gives the configuration; asked only where the environment does not tell.
    """
    name = _first(environ, "GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME")
    mail = _first(environ, "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL")
    if not (name and mail):
        set_name, set_mail = _configured(config)
        name = name or set_name
        mail = mail or set_mail or _clean(environ.get("EMAIL", ""))
    login = _login(environ)
    return f"{name or login} <{mail or f'{login}@{_host()}'}>"


def _first(environ: Mapping[str, str], *names: str) -> str:
    return next(filter(None, (_clean(environ.get(name, "")) for name in names)), "")


def _configured(config: Callable[[], Config]) -> tuple[str, str]:
    try:
        settings = config()
    except ConfigDamaged:  # told where the repository is opened; a run has to end even so
        return "", ""
    name, mail = (
        next(filter(None, (_clean(settings.get(who, key) or "") for who in ("author", "user"))), "")
        for key in ("name", "email")
    )
    return name, mail


def _clean(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "replace").strip(_STRIPPED).translate(_REFUSED)


def _login(environ: Mapping[str, str]) -> str:
    import pwd

    try:
        return _clean(pwd.getpwuid(os.geteuid()).pw_name) or "unknown"
    except KeyError:  # a container's user without an entry
        return _clean(environ.get("USER", "")) or f"uid-{os.geteuid()}"


def _host() -> str:
    return _clean(os.uname().nodename) or "localhost"
