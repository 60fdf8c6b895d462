"""moto: answers with AWS's own error codes; everything is in its memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.request import Request, urlopen

from tests.servers.process import program
from tests.servers.s3 import S3Server


class Moto(S3Server):
    """moto_server, which checks signatures; its key pair is another one after each start."""

    def __init__(self, folder: Path) -> None:
        self.moto = program("moto_server", "moto[server,s3] of PyPI")
        super().__init__(folder)

    def command(self) -> Sequence[str]:
        return [self.moto, "-H", "127.0.0.1", "-p", str(self.ports.numbers[0])]

    def start(self) -> None:
        self._probes.clear()
        super().start()
        self._check_signatures()

    def _check_signatures(self) -> None:
        """Make the user whose requests count; from here on those of others are refused."""
        iam = self.service("iam")
        try:
            iam.create_user(UserName="tester")
            pair = iam.create_access_key(UserName="tester")["AccessKey"]
            everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
            policy = {"Version": "2012-10-17", "Statement": [everything]}
            iam.put_user_policy(
                UserName="tester", PolicyName="everything", PolicyDocument=json.dumps(policy)
            )
        finally:
            iam.close()
        self.key, self.secret = pair["AccessKeyId"], pair["SecretAccessKey"]
        self.hang_up()
        unchecked = Request(f"{self.url}/moto-api/reset-auth", data=b"0", method="POST")
        unchecked.add_header("Content-Type", "application/octet-stream")
        urlopen(unchecked).close()
