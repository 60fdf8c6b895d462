"""Files of an SSH server, over SFTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, TypeVar

from fsspec import AbstractFileSystem
from fsspec.implementations.sftp import SFTPFileSystem as TrustingFileSystem

from runref.artifacts.reading import OnBytes, Source
from runref.artifacts.remote import journal
from runref.artifacts.remote.channels import Channels, OpenFile
from runref.artifacts.remote.files import Files

Result = TypeVar("Result")


class SftpFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """fsspec's interface to `Channels`: for known hosts only, and for several threads."""

    protocol = ("sftp", "ssh")
    cachable = False

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.host = str(options["host"])
        self.channels = Channels(options)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        if "://" not in path:
            return path
        # sftp://host/~/folder lies in the home, where paths begin that have no slash in front.
        return str(TrustingFileSystem._strip_protocol(path)).removeprefix("/~/")  # noqa: SLF001

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        return dict(TrustingFileSystem._get_kwargs_from_urls(path))  # noqa: SLF001

    def info(self, path: str, **_options: Any) -> dict[str, Any]:
        """Return what is known of a file or folder."""
        path = self._strip_protocol(path)
        return {**_described(self._ask(lambda sftp: sftp.stat(path))), "name": path}

    def ls(self, path: str, detail: bool = True, **_options: Any) -> list[Any]:  # noqa: FBT001, FBT002
        """Return what a folder holds."""
        path = self._strip_protocol(path).rstrip("/")
        found = [
            {**_described(each), "name": f"{path}/{each.filename}"}
            for each in self._ask(lambda sftp: sftp.listdir_attr(path or "/"))
        ]
        return found if detail else [each["name"] for each in found]

    def mkdir(self, path: str, create_parents: bool = True, **_options: Any) -> None:  # noqa: FBT001, FBT002
        """Create a folder below one that is there."""
        del create_parents
        self._ask(lambda sftp: sftp.mkdir(self._strip_protocol(path)))

    def mv(self, path1: str, path2: str, **_options: Any) -> None:
        """Rename a file onto another, or where the server cannot, to a new name."""

        def rename(sftp: Any) -> None:
            try:
                sftp.posix_rename(path1, path2)
            except FileNotFoundError:
                raise
            except OSError:
                sftp.rename(path1, path2)

        self._ask(rename)

    def rm_file(self, path: str) -> None:
        """Remove a file."""
        self._ask(lambda sftp: sftp.remove(self._strip_protocol(path)))

    def _open(self, path: str, mode: str = "rb", **_options: Any) -> Any:
        channel = self.channels.take()
        try:
            file = channel.open(self._strip_protocol(path), mode)
            file.set_pipelined(True)
        except FileNotFoundError:
            self.channels.give_back(channel)
            raise
        except BaseException:
            self.channels.drop(channel)
            raise
        return OpenFile(file, channel, self.channels)

    def _ask(self, what: Callable[[Any], Result]) -> Result:
        with self.channels.borrowed() as sftp:
            return what(sftp)


class Sftp(Files):
    """A folder of an SSH server."""

    fs: SftpFileSystem

    def resume(self, name: str, source: Source) -> _Continued | None:
        """Open a file, new or begun earlier, that no living process has; see `Tree.resume`.

        SFTP has no locks. The name is this machine's own, so that a lock here keeps all out.
        """
        del source
        with ExitStack() as stack:
            claim = stack.enter_context(journal.claim(f"{self.fs.host}:{self.at(name)}"))
            if claim is None:
                return None
            stack.callback(claim.forget)
            kept = self.size(name)
            if kept is None:
                self.create(name).close()
            growing = _Continued(self.fs, self.at(name), kept or 0)
            growing.claimed = stack.pop_all()
            return growing


class _Continued:
    """A file on the server that may hold what an earlier process wrote to it.

    What it holds is read, and compared, before it is opened again for writing: one channel at a
    time, as those who hold one and wait for another would wait for each other.

    Attributes:
        claimed: What keeps others of this machine from it; ended when it is closed.
    """

    def __init__(self, fs: SftpFileSystem, path: str, kept: int) -> None:
        self._fs = fs
        self._path = path
        self._kept = kept
        self._position = 0
        self._reading: Any = fs.open(path, "rb") if kept else None
        self._writing: Any = None
        self.claimed = ExitStack()

    def take(self, source: Source, on_bytes: OnBytes) -> str:
        """Make its content that of a local file, and return the digest of what was written."""
        digest = source.digest(self._continue, on_bytes)
        if self._kept > self._position:
            self._begin_writing()
        return digest

    def write(self, data: bytes) -> None:
        """Append bytes to a file that is new."""
        self._append(data)

    def finish(self) -> None:
        """Return once the server has answered all writes."""
        for file in (self._reading, self._writing):
            if file is not None:
                file.close()

    def close(self) -> None:
        """Let go of it; others of this machine may go on with it then."""
        with self.claimed:
            self.finish()

    def _continue(self, chunk: memoryview) -> None:
        """Append a chunk, unless it is there already."""
        end = self._position + len(chunk)
        compared = self._reading is not None and end <= self._kept
        if compared and self._reading.read(len(chunk)) == chunk:
            self._position = end
            return
        self._append(chunk)

    def _append(self, data: bytes | memoryview) -> None:
        if self._writing is None:
            self._begin_writing()
        self._writing.write(data)
        self._position += len(data)

    def _begin_writing(self) -> None:
        """Open the file at the end of what agrees; what follows cannot be trusted either."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None
        self._writing = self._fs.open(self._path, "r+b")
        if self._kept > self._position:
            self._writing.truncate(self._position)
            self._kept = self._position
        self._writing.seek(self._position)


def _described(attributes: Any) -> dict[str, Any]:
    described: dict[str, Any] = TrustingFileSystem._decode_stat(attributes)  # noqa: SLF001
    return described


def connect(url: str, options: Mapping[str, Any]) -> Sftp:
    """Return the folder that a URL names; it connects when something is first asked."""
    named = SftpFileSystem._get_kwargs_from_urls(url)  # noqa: SLF001
    fs = SftpFileSystem(**{**named, **options})
    return Sftp(fs, fs._strip_protocol(url).rstrip("/"))  # noqa: SLF001
