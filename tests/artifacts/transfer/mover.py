"""A program that pushes or fetches, for tests that have several of them or kill it.

It says ``ready`` when everything is imported, begins when it is told to, and prints what it did.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runref.artifacts import LocalStore
from runref.artifacts.remote.limits import Limited
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import RemoteStore
from runref.artifacts.transfer.fetch import fetch
from runref.artifacts.transfer.push import push
from runref.artifacts.transfer.wanted import Wanted


def main(task: dict[str, Any]) -> None:
    local = LocalStore(Path(task["local"]))
    remote: RemoteStore = open_remote(task["url"], task["options"], name="lab")
    remote = Limited(remote, 100, task["rate"])
    wanted = [Wanted(**each) for each in task["wanted"]]
    print("ready", flush=True)
    sys.stdin.readline()
    if task["push"]:
        done = push(local, remote, wanted, concurrency=task["concurrency"])
        result = {**asdict(done), "is_complete": done.is_complete}
    else:
        got = fetch(local, [remote], wanted, concurrency=task["concurrency"])
        result = {**asdict(got), "is_complete": got.is_complete}
    print(json.dumps(result, default=str))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
