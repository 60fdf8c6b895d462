"""Files that look like secrets: by their name, and by keys in their content.

Both lists are short on purpose: a file that is left out by mistake makes a run hard to reproduce,
so each rule must be almost certain. They are documented in ``docs/`` and can be changed with
``secret_names`` and ``keep``.
"""

from __future__ import annotations

import os
import re
from functools import cache

from runref.git.patterns import PatternList

SECRET_NAMES = (
    "*.env",
    ".env.*",
    ".envrc",
    "!.env.example",
    "!.env.sample",
    "!.env.template",
    "!.env.dist",
    "!.env.defaults",
    "!*example.env",
    "!*sample.env",
    "!*template.env",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.ppk",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".npmrc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".htpasswd",
    ".dockercfg",
    ".databrickscfg",
    ".boto",
    ".s3cfg",
    ".vault-token",
    "rclone.conf",
    "kaggle.json",
    "token.txt",
    "*.token",
    "*api[_-]key*.txt",
    "kubeconfig",
    "credentials",
    "credentials.*",
    "*_credentials.json",
    "client_secret*.json",
    "*service-account*.json",
    "*service_account*.json",
    "secrets.json",
    "secrets.toml",
    "secrets.y*ml",
    "/**/.aws/credentials",
    "/**/.docker/config.json",
    "/**/.kube/config",
    "/**/huggingface/token",
    # Public keys, and code that is about secrets, are none.
    "!*.pub",
    "!*.py",
    "!*.pyi",
    "!*.ipynb",
    "!*.sh",
    "!*.js",
    "!*.ts",
    "!*.go",
    "!*.rs",
    "!*.c",
    "!*.h",
    "!*.cpp",
    "!*.java",
    "!*.jl",
    "!*.r",
    "!*.md",
    "!*.rst",
)
"""Names of files that hold secrets, in the language of ``.gitignore``, whatever the case."""

_KEYS = {
    "private key": (
        (b"PRIVATE KEY",),
        (
            rb"-----BEGIN (?:[A-Z0-9]{2,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\r|\\n|\s)+"
            rb"(?:[A-Za-z-]+: [^\r\n]*\s+)*[A-Za-z0-9+/]{40}"
        ),
    ),
    "AWS access key": (
        (b"AKIA", b"ASIA"),
        # The id alone is public; it counts with a secret of 40 characters in the next lines.
        (
            rb"(?<![A-Z0-9])(?:AKIA|ASIA)(?![A-Z2-7]{9}EXAMPLE)[A-Z2-7]{16}(?![A-Z0-9])"
            rb".{0,300}?(?<![A-Za-z0-9/+])(?![0-9a-f]{40})[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
        ),
    ),
    "GitHub token": (
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b",
    ),
    "GitLab token": ((b"glpat-",), rb"\bglpat-[A-Za-z0-9_-]{20}"),
    "Slack token": ((b"xox",), rb"\bxox[abposr]-[0-9]{8,}-[A-Za-z0-9-]{10,}"),
    "Hugging Face token": ((b"hf_",), rb"\bhf_[A-Za-z0-9]{34}\b"),
    "OpenAI key": (
        (b"T3BlbkFJ", b"sk-proj-"),
        rb"\bsk-[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}|\bsk-proj-[A-Za-z0-9_-]{40,}",
    ),
    "Anthropic key": ((b"sk-ant-",), rb"\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{80,}"),
    "Google API key": ((b"AIza",), rb"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    "PyPI token": ((b"pypi-AgEI",), rb"\bpypi-AgEI[A-Za-z0-9_-]{50,}"),
    "npm token": ((b"npm_",), rb"\bnpm_[A-Za-z0-9]{36}\b"),
    "Stripe key": ((b"k_live_",), rb"\b[sr]k_live_[A-Za-z0-9]{24,}"),
}
"""What is looked for: by kind, the bytes that every key of it holds, and the key."""

_HINTS = tuple(hint for hints, _ in _KEYS.values() for hint in hints)
_KINDS = tuple(_KEYS)


@cache
def _key() -> re.Pattern[bytes]:
    return re.compile(b"|".join(b"(" + key + b")" for _, key in _KEYS.values()), re.DOTALL)


class Globs:
    """Patterns in the language of ``.gitignore``, for files: the last one that matches decides.

    A pattern that ends in a slash is for all files below such a folder; the others are for files
    alone, so that ``credentials`` does not mean everything in a package of that name.
    """

    def __init__(self, patterns: tuple[str, ...], *, ignore_case: bool = False) -> None:
        content = os.fsencode("\n".join(patterns))
        self._list = PatternList(content, ignore_case=ignore_case) if patterns else None
        self._for_folders = any(pattern.endswith("/") for pattern in patterns)

    def match(self, path: bytes) -> str:
        """The pattern that a file matches; empty where it matches none.

        Args:
            path: Relative to the root of the working tree.
        """
        if self._list is None:
            return ""
        decision = self._list.decide(path[path.rfind(b"/") + 1 :], path, is_folder=False)
        if decision is None and self._for_folders:
            decision = self._match_folders(self._list, path)
        if decision is None or decision.startswith(b"!"):
            return ""
        return decision.decode("utf-8", "replace")

    @staticmethod
    def _match_folders(patterns: PatternList, path: bytes) -> bytes | None:
        end = path.find(b"/")
        while end >= 0:
            folder = path[:end]
            name = folder[folder.rfind(b"/") + 1 :]
            decision = patterns.decide(name, folder, is_folder=True)
            if decision is not None and decision.endswith(b"/"):
                return decision
            end = path.find(b"/", end + 1)
        return None


def find_keys(data: bytes) -> dict[bytes, str]:
    """Keys and tokens in the content of a file.

    Returns:
        What was found, with a description without the value: the kind and the line.
    """
    # Most files hold no hint, and looking for plain bytes is far faster than the expression.
    if not any(hint in data for hint in _HINTS):
        return {}
    found = {}
    for match in _key().finditer(data):
        kind = _KINDS[(match.lastindex or 1) - 1]
        line = data.count(b"\n", 0, match.start()) + 1
        found[match[0]] = f"{kind} in line {line}"
    return found
