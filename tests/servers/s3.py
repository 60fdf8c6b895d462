"""What all S3 servers of the tests have in common."""

from __future__ import annotations

import uuid
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.servers.server import Server

KEY, SECRET = "testkey", "testsecret0123456789"


class Endpoint:
    """Where an S3 server is reached, and with which credentials.

    Attributes:
        url: The endpoint's URL.
        key: Access key, which may do everything.
        secret: Its secret.
        readonly_key: Access key that may read and list only; empty where the server has none.
        readonly_secret: Its secret.
        ca_bundle: Certificates to trust, where the endpoint speaks https.
    """

    readonly_key = ""
    readonly_secret = ""

    def __init__(self, url: str, key: str, secret: str, ca_bundle: Path | None = None) -> None:
        self.url = url
        self.key = key
        self.secret = secret
        self.ca_bundle = ca_bundle

    def options(self, **changed: Any) -> dict[str, Any]:
        """Return the options for `open_remote`; `changed` ones replace or add to them."""
        trusted = {"ca_bundle": str(self.ca_bundle)} if self.ca_bundle else {}
        return {
            "endpoint_url": self.url,
            "key": self.key,
            "secret": self.secret,
            **trusted,
            **changed,
        }

    def remote_url(self, bucket: str, prefix: str = "") -> str:
        """Return the URL of a remote below a bucket."""
        return f"s3://{bucket}/{prefix}".rstrip("/")

    def new_bucket(self) -> str:
        """Make an empty bucket and return its name."""
        bucket = f"bucket-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=bucket)
        return bucket

    @cached_property
    def client(self) -> Any:
        """botocore's own client: what tests look through at what runref left."""
        return self.service("s3")

    def service(self, name: str) -> Any:
        """Return botocore's client of one service, which asks once and takes no for an answer."""
        from botocore.config import Config
        from botocore.session import Session

        config = Config(
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=30,
            s3={"addressing_style": "path"},
        )
        return Session().create_client(
            name,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            verify=str(self.ca_bundle) if self.ca_bundle else None,
            config=config,
        )

    def hang_up(self) -> None:
        """Close the client's connections."""
        if client := self.__dict__.pop("client", None):
            client.close()


class S3Server(Endpoint, Server):
    """An S3 server; it is ready when it gives back what it was given, also before a restart."""

    def __init__(self, folder: Path, ports: int = 1) -> None:
        Server.__init__(self, folder, ports)
        Endpoint.__init__(self, f"http://127.0.0.1:{self.ports.numbers[0]}", KEY, SECRET)
        self._probes: list[dict[str, str]] = []

    def trouble(self) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for probe in self._probes:
                self.client.get_object(**probe)["Body"].read()
            probe = {"Bucket": self.new_bucket(), "Key": "probe"}
            self.client.put_object(**probe, Body=b"probe")
            self._probes = [probe]
            self.client.get_object(**probe)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            return str(error)
        return ""

    def kill(self) -> None:
        self.hang_up()
        super().kill()
