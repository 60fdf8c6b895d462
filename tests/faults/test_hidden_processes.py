"""Where a user may not see the processes of others (``hidepid``), they are not taken for dead."""

from __future__ import annotations

import os
import subprocess

import pytest

LOOK = """
    import os, subprocess, sys, time
    from runref.tracking.liveness import DEAD_AFTER_SECONDS, is_alive, this_process
    process = this_process()
    subprocess.run(["mount", "-t", "proc", "-o", "hidepid=2", "proc", "/proc"], check=True)
    if os.fork():
        sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
    os.setgroups([])
    os.setgid(4200)
    os.setuid(4201)
    assert not os.path.exists(f"/proc/{process.pid}")
    assert is_alive(process, time.time())
    assert not is_alive(process, time.time() - DEAD_AFTER_SECONDS - 1)
    assert is_alive(this_process(), 0.0)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_a_hidden_process_lives_as_long_as_its_heart_beats(victims):
    wrapper = ("unshare", "--mount")
    mount = ["mount", "-t", "proc", "-o", "hidepid=2", "proc", "/proc"]
    done = subprocess.run([*wrapper, *mount], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"/proc cannot be mounted here: {done.stderr!r}")
    victims.run(LOOK, wrapper=wrapper)
