"""What looks like a secret, by its name or by its value, and how it is masked.

One rule for parameters, environment variables, commands and package sources. It errs on the side of
masking: a masked value costs a note in a record, a published one costs a key. What makes machine
learning special is that "token" and "key" are everyday words there, so names such as
``max_tokens``, ``pad_token`` and ``sort_key`` are known to be harmless.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

MASK = "[secret]"
"""What stands in a record in the place of a value that looks secret."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ALWAYS = frozenset({"password", "passwd", "passphrase", "secret", "secrets", "pwd"})
_AT_END = frozenset(
    {
        *("token", "auth", "authorization", "bearer", "apikey", "pass", "pat"),
        *("credential", "credentials", "creds"),
    }
)
_ENDINGS = ("password", "passwd", "apikey", "secretkey", "authtoken", "accesstoken", "sshpass")
# A path to a secret, or how long one is, gives nothing away.
_ABOUT = frozenset({"file", "path", "dir", "folder", "length", "len", "size", "name", "type"})
_TOKEN_OF_TEXT = re.compile(
    "pad|eos|bos|unk|sep|cls|mask|special|start|end|stop|class|image|audio|video|prompt|text"
    "|sos|sot|eot|blank|per|max|min|num|new|next|last|first|encoder|decoder"
)
_KEY = re.compile("api|access|private|secret|ssh|encryption|signing|master")
_KEY_OF_DATA = re.compile(  # what else is called a key: columns, entries of mappings, attention
    "sort|order|primary|foreign|unique|partition|shard|group|index|cache|dict|map|hash|join|lookup"
    "|row|column|field|record|data|dataset|item|object|value|query|attention|public|rng|prng|random"
    "|state|config|param|metric|monitor|loss|score|reward|action|obs|observation|input|output"
    "|feature|label|target|class|image|audio|video|text|caption|prompt|question|answer|mask|batch"
)

_VALUE = re.compile(
    r"""
    \bgh[pousr]_[A-Za-z0-9]{36,} | \bgithub_pat_\w{22,}     # GitHub
    | \bglpat-[\w-]{20,}                                    # GitLab
    | \bhf_[A-Za-z0-9]{30,}                                 # Hugging Face
    | \bsk-[A-Za-z0-9_-]{20,}                               # OpenAI, Anthropic
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}                      # Slack
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b                         # AWS
    | \bAIza[\w-]{35}                                       # Google
    | \bnpm_[A-Za-z0-9]{36} | \bpypi-[\w-]{50,}             # registries
    | \b[sr]k_live_[A-Za-z0-9]{20,}                        # Stripe
    | \beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+                # JSON web tokens
    | (?i:\b(?:bearer|basic)\s+[A-Za-z0-9+/._~-]{16,}=*)    # HTTP authorization
    | -----BEGIN[A-Z ]*PRIVATE\ KEY-----
    """,
    re.VERBOSE,
)
_USERINFO = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^\s/?#@]*(?:@[^\s/?#@]*)*)@"
)
_SCP = re.compile(  # the @ of image:tag@sha256:00ff begins a digest, and no host
    r"(?<![\w.@/:+-])(?P<user>[\w.+-]+):[^\s@/'\"]{1,256}@(?=(?!sha[0-9]+:)[\w.-]+:[^\s:])"
)
_QUERY = re.compile(r"(?<=[?&])(?P<name>[\w.-]+)=(?P<value>[^&#\s]*)")
_SIGNATURES = frozenset({"sig", "signature", "x-amz-signature", "x-goog-signature", "code", "key"})


def looks_secret_name(name: str) -> bool:
    """Return whether something called `name` is likely to hold a secret.

    Names are split into words at case changes and at everything that is no letter or digit.
    """
    words = _words(name)
    if not words or words[-1] in _ABOUT:
        return False
    if _names_password(words) or any(word.endswith(_ENDINGS) for word in words):
        return True
    before = words[-2] if len(words) > 1 else ""
    if words[-1] == "token":
        return not _TOKEN_OF_TEXT.fullmatch(before)
    if words[-1] in _AT_END:
        return True
    if words[-1] == "key":
        return not _KEY_OF_DATA.fullmatch(before)
    return any(_KEY.fullmatch(one) and next_ in ("key", "keys") for one, next_ in pairwise(words))


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _names_password(words: list[str]) -> bool:
    return not _ALWAYS.isdisjoint(words)


def strip_credentials(text: str) -> str:
    """Return `text` with the credentials of every URL and scp-like address in it taken out.

    User and password before the host go, except for a bare user name of ``ssh``, which says which
    service is meant (``ssh://git@host``) and opens nothing. In the query part, values of parameters
    that look secret or sign the URL are masked. ``user:password@host:path`` keeps the user.
    """
    text = _SCP.sub(r"\g<user>@", _USERINFO.sub(_without_userinfo, text))
    return _QUERY.sub(_mask_query, text)


def _without_userinfo(found: re.Match[str]) -> str:
    scheme = found["scheme"]
    user = found["user"].partition(":")[0]
    keeps = user and (scheme == "ssh" or scheme.endswith("+ssh"))
    return f"{scheme}://{user}@" if keeps else f"{scheme}://"


def _mask_query(found: re.Match[str]) -> str:
    name = found["name"]
    secret = name.lower() in _SIGNATURES or looks_secret_name(name)
    return f"{name}={MASK}" if secret and found["value"] else found[0]


def masked_value(name: str, value: str) -> str:
    """Return `value` as a record may show it under `name`: masked, or without credentials."""
    if value and looks_secret_name(name):
        return MASK
    return mask_text(value)


def mask_text(text: str) -> str:
    """Return `text` with well-known key formats masked and URLs stripped of credentials."""
    return strip_credentials(_VALUE.sub(MASK, text))


def mask_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain values as a record may show them, masked by their names and by their forms.

    Args:
        values: Text, numbers, booleans, none, and lists and mappings of these, by name. A name that
            looks secret is one for all text below it. Numbers are secrets only where they are
            passwords, since tokens and keys are counted and measured more often than written so.
    """
    return {name: _mask_under(name, value) for name, value in values.items()}


def _mask_under(name: str, value: Any, *, below_secret: bool = False) -> Any:
    secret = below_secret or looks_secret_name(name)
    match value:
        case str():
            return MASK if value and secret else mask_text(value)
        case Mapping():
            return {k: _mask_under(k, each, below_secret=secret) for k, each in value.items()}
        case list() | tuple():
            return [_mask_under(name, each, below_secret=below_secret) for each in value]
        case int() if secret and not isinstance(value, bool):
            return MASK if looks_secret_name(name) and _names_password(_words(name)) else value
    return value
