"""git over http and https: lighttpd, and git's own http-backend behind it."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from textwrap import dedent
from urllib.parse import urlsplit

from tests.servers.certificates import issue
from tests.servers.git_hosting import READER, WRITERS, GitHost
from tests.servers.process import program, unavailable
from tests.servers.server import Server

PASSWORDS = {user: f"password-of-{user}" for user in (*WRITERS, READER)}


class GitAddress(GitHost):
    """One of the addresses of a git server that asks for passwords.

    Attributes:
        base: What the URLs of its repositories begin with.
    """

    def __init__(self, base: str, repositories: Path, ca: Path | None = None) -> None:
        super().__init__(repositories, {"GIT_SSL_CAINFO": str(ca)} if ca else {})
        self.base = base

    def url(self, name: str, user: str | None = None, password: str | None = None) -> str:
        """Return a URL with a user and the user's password, or another one; or with neither."""
        if user is None:
            return f"{self.base}/{name}.git"
        scheme, rest = self.base.split("://")
        return f"{scheme}://{user}:{password or PASSWORDS[user]}@{rest}/{name}.git"


class GitHttp(GitAddress, Server):
    """A git server that tells a user who may not push so with status 403, as forges do.

    Attributes:
        ca: The authority that certified the server: a CA bundle.
        https: The same repositories over https.
    """

    def __init__(self, folder: Path) -> None:
        self.lighttpd = program("lighttpd", "lighttpd of Debian")
        if not Path("/usr/lib/lighttpd/mod_openssl.so").exists():
            unavailable("lighttpd has no https: that comes with lighttpd-mod-openssl")
        Server.__init__(self, folder, ports=2)
        plain, secure = self.ports.numbers
        repositories = folder / "repositories"
        repositories.mkdir()
        GitAddress.__init__(self, f"http://127.0.0.1:{plain}/git", repositories)
        self._certificate = issue(folder)
        self.ca = self._certificate.authority
        self.https = GitAddress(f"https://127.0.0.1:{secure}/git", repositories, self.ca)
        (folder / "passwords").write_text(
            "".join(f"{user}:{password}\n" for user, password in PASSWORDS.items())
        )
        self._backend = folder / "backend"
        self._backend.write_text(_backend())
        self._backend.chmod(0o755)
        (folder / "lighttpd.conf").write_text(self._settings())

    def behind(self, proxy: str) -> GitAddress:
        """Return the address of the same repositories at the URL of a proxy."""
        return GitAddress(f"{proxy}/git", self.repositories)

    def _settings(self) -> str:
        plain, secure = self.ports.numbers
        return dedent(f"""\
            server.modules = (
                "mod_auth", "mod_authn_file", "mod_setenv", "mod_cgi", "mod_alias", "mod_openssl"
            )
            server.bind = "127.0.0.1"
            server.port = {plain}
            server.document-root = "{self.folder / "tmp"}"
            server.upload-dirs = ("{self.folder / "tmp"}")
            server.max-request-size = 0
            server.feature-flags = ("server.graceful-shutdown-timeout" => 1)
            $SERVER["socket"] == "127.0.0.1:{secure}" {{
                ssl.engine = "enable"
                ssl.pemfile = "{self._certificate.certificate}"
                ssl.privkey = "{self._certificate.key}"
            }}
            auth.backend = "plain"
            auth.backend.plain.userfile = "{self.folder / "passwords"}"
            alias.url = ("/git" => "{self._backend}")
            $HTTP["url"] =~ "^/git/" {{
                cgi.assign = ("" => "")
                auth.require = (
                    "" => ("method" => "basic", "realm" => "git", "require" => "valid-user")
                )
                setenv.set-environment = (
                    "GIT_PROJECT_ROOT" => "{self.repositories}",
                    "GIT_HTTP_EXPORT_ALL" => "1",
                    "GIT_CONFIG_NOSYSTEM" => "1",
                    "HOME" => "{self.folder}"
                )
                $REQUEST_HEADER["Git-Protocol"] =~ "^(version=[0-9:a-z=]+)$" {{
                    setenv.add-environment = ("GIT_PROTOCOL" => "%1")
                }}
            }}
            """)

    def command(self) -> Sequence[str]:
        return [self.lighttpd, "-D", "-f", str(self.folder / "lighttpd.conf")]

    def trouble(self) -> str:
        trust = ssl.create_default_context(cafile=str(self.ca))
        connections = (
            HTTPConnection(urlsplit(self.base).netloc, timeout=5),
            HTTPSConnection(urlsplit(self.https.base).netloc, timeout=5, context=trust),
        )
        for connection in connections:
            try:
                connection.request("GET", "/git/any.git/info/refs?service=git-upload-pack")
                status = connection.getresponse().status
            except (OSError, HTTPException) as error:
                return str(error) or repr(error)
            finally:
                connection.close()
            if status != 401:
                return f"lets anybody in, with status {status}"
        return ""


def _backend() -> str:
    """Return the program that answers: git's own, once it is known who may do what."""
    folder = subprocess.check_output(["git", "--exec-path"], text=True).strip()
    backend = Path(folder) / "git-http-backend"
    if not backend.exists():
        unavailable(f"git has no {backend}")
    return dedent(f"""\
        #!/bin/sh
        case "$REMOTE_USER $PATH_INFO?$QUERY_STRING" in
        "{READER} "*git-receive-pack*)
            printf 'Status: 403 Forbidden\\r\\nContent-Type: text/plain\\r\\n\\r\\n'
            echo "{READER} may not push to $PATH_INFO"
            exit ;;
        esac
        exec {backend}
        """)
