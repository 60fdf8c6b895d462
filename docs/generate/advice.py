"""What to do about each error, and what each notice means. A test compares the codes with the code.

Messages and hints name the object; this is what can be said without one.
"""

from __future__ import annotations

_DAMAGE = "`git fsck` lists all damage; fetch what is missing from another clone."
_STORE = "Check the permissions and the disk of `<git common dir>/runref/artifacts`."

ERRORS = {
    "ambiguous-name": "Write the name with `params`, `metrics` or `summary` before it.",
    "ambiguous-run": "Give more digits of the id; the message lists the runs.",
    "another-store": "Move the old records away, or set the new URL of their origin.",
    "artifact-changed": "Close the file before it is recorded, or write it aside and rename it.",
    "artifact-damaged": "Remove the named file and bring the content back from a copy.",
    "artifact-missing": "`runref push --artifacts` where it was recorded, if it was stored there.",
    "artifact-special": "Name the file or directory that holds the data.",
    "artifact-store-full": "Free space on that disk.",
    "artifact-store-unusable": _STORE,
    "artifact-unreadable": "Check the permissions of the file.",
    "artifact-vanished": "Write the output before the run ends, or correct the path.",
    "cannot-sort": "Sort or group by a field, a parameter or a metric; groups by a column that is "
    "shown.",
    "cannot-write": "Free space, or make the repository writable; `--store` records elsewhere.",
    "claim-invalid": "Install a newer runref; if the note is damaged, remove it from the remote.",
    "code-not-recorded": "Compare the runs without `--code`; `runref show RUN` tells why.",
    "command-not-executable": "Make the program executable, or start it by its interpreter.",
    "command-not-found": "Write the command after `--`: `runref run -- python train.py`.",
    "damaged-ref": "See whether another program uses the ref; `git reflog` has older states.",
    "damaged-series": "Fetch the run from another clone; other runs are not affected.",
    "digest-invalid": "Give `sha256:` and 64 lower-case hex digits.",
    "foreign-repository": "If you trust it: `git config --global --add safe.directory PATH`.",
    "git-config-damaged": "Mend the named configuration file; git refuses it, too.",
    "git-config-locked": "Wait for the other git to finish; its lock file is named in the message.",
    "git-ref-moved": "Others push at the same time: push again.",
    "git-unreachable": "Try `git ls-remote REMOTE`: it has the same credentials and network.",
    "histories-disagree": "One of the two was altered: `runref fsck` in both clones says which.",
    "history-refused": "Ask whoever pushed it; nothing was written here.",
    "holdings-unknown": "Bring the record or manifest back from another clone; `--lost` gives "
    "a directory up.",
    "index-damaged": "`git status` says more; `rm .git/index && git reset` builds it again.",
    "invalid-config": "Mend `.runref.yaml`; [settings](config.md) lists what it may hold.",
    "invalid-document": "Report it: what runref writes must follow its own schema.",
    "lock-busy": "Wait for the other process; its lock ends when it does.",
    "locks-unsupported": "Mount the file system with locks, or keep the repository elsewhere.",
    "malformed-document": "A later runref or another program wrote it; upgrade runref.",
    "malformed-run-id": "Give a whole run id, as `runref ls` prints it.",
    "manifest-invalid": "Bring the artifact back from another store.",
    "manifest-too-new": "Upgrade runref.",
    "manifest-unsafe": "Do not restore it: it was damaged or made to write elsewhere.",
    "no-active-run": "Call `runref.init()` first.",
    "no-data-frames": "`pip install pandas` or polars.",
    "no-git-remote": "Name a remote, a URL or a path, or `git remote add origin URL`.",
    "no-remote": "`runref remote add NAME URL` adds one.",
    "no-working-tree": "Work in a clone with a working tree.",
    "not-a-number": "Log a single number; the message names the metric.",
    "not-a-repository": "`git init`, or name a repository with `--store` or `RUNREF_STORE`.",
    "not-a-table": "Name a CSV file among the outputs; a confusion matrix has its classes in the "
    "first row and the first column.",
    "not-numeric": "Name a column of numbers; text can be the colour.",
    "not-recorded": "`runref show` lists what the run has.",
    "not-runnable": "The message says what is missing; `--dry-run` shows the plan.",
    "not-this-repository": "Run `runref recover` in the repository that the message names.",
    "nothing-to-plot": "Name one of the metrics or columns that the message lists.",
    "object-damaged": _DAMAGE,
    "object-missing": _DAMAGE,
    "objects-refused": "Run `git fsck` in the other repository; nothing was written here.",
    "parameter-not-understood": "Give it as `-p NAME=VALUE`.",
    "picture-unwritable": "Choose another file.",
    "push-refused": "Read what the server says; its rules, limits or hooks decide.",
    "query-invalid": "The message shows where; [the query language](query.md) says what may "
    "stand there.",
    "query-type-mismatch": "Compare the name with a value of the type that the message names.",
    "ref-contended": "Nothing is lost: `runref recover` records the waiting runs.",
    "ref-locked": "Wait for the other git program; the lock of a killed one goes after 10 s.",
    "ref-unreadable": "`git fsck` tells more; `git reflog show refs/runref/runs` has older values.",
    "remote-absent": "Create the bucket or folder, or correct the URL.",
    "remote-busy": "Wait until the other gc has ended; its mark counts for a day.",
    "remote-exists": "Choose another name, or replace it with `-f`.",
    "remote-full": "Free space at the remote; `runref gc --artifacts --remote NAME` may.",
    "remote-interrupted": "Ask again: what arrived is kept, and the rest is fetched.",
    "remote-invalid": "Correct the URL or the option in the settings.",
    "remote-refused": "Check credentials and permissions: `runref remote check NAME` tells which.",
    "remote-shared": "Name a clone of the other repository by `--also`.",
    "remote-unreachable": "Check network and address, then ask again; nothing is lost.",
    "remote-unsupported": "Install the driver that the message names.",
    "remote-untrusted": "Compare the host's key with its owner's, then add it to "
    "`~/.ssh/known_hosts`.",
    "remote-unusable": "Look at what the server said; `runref remote check NAME` tries every step.",
    "run-gone": "Start the run in the parent, or unset `RUNREF_RUN`.",
    "secret-in-settings": "Take it out of the committed file and change it; `--local` keeps it "
    "in this clone.",
    "settings-not-edited": "Paste the lines of the message into the file by hand.",
    "snapshot-damaged": "`git fsck` tells more; fetch the run from another clone.",
    "sql-invalid": "Correct the statement; `runref sql --help` names the tables and their columns.",
    "step-too-large": "Read the run's `metrics.jsonl`: it has the steps whole.",
    "still-running": "Wait for the run to end.",
    "target-exists": "Choose another folder with `-o`, or replace it with `-f`.",
    "target-not-empty": "Name a folder that does not exist yet.",
    "target-unwritable": "Check the permissions and the disk of the target.",
    "unknown-name": "Correct the name; `runref show RUN` lists what a run has.",
    "unknown-picture-format": "End the file name in `.png`, `.svg` or `.pdf`.",
    "unknown-remote": "`runref remote ls` shows the remotes.",
    "unknown-run": "`runref ls` shows the runs.",
    "unknown-series": "The message lists the metrics of the run.",
    "unreadable-document": "Restore the named file from another clone.",
    "unreadable-run": "Fetch the run from another clone; other runs are not affected.",
    "unsafe-tree": "Do not check it out: runref did not make it, or it is damaged.",
    "unsupported-format": "Upgrade runref.",
    "unsupported-index": "The message names the git setting to change.",
    "unsupported-repository": "The message names the feature; use a repository without it.",
    "url-invalid": "Correct the input's URL; a folder ends in a slash.",
    "working-tree-unreadable": "Start the run in a folder that exists and that you may read.",
}

NOTICES = {
    "after-the-end": "Something was logged after the run had ended. It is not in the record.",
    "console-not-recorded": "Output, or a part of it, could not be recorded. The message says why.",
    "damaged-events": "Lines of the spool's events were unreadable. `count` says how many.",
    "damaged-series": "Lines in the middle of a series were unreadable. They are kept in "
    "`damaged.rank-<n>.txt` beside the series.",
    "input-not-recorded": "An input could not be hashed or stored. The input's `problem` says why.",
    "no-snapshot": "The code could not be recorded, or `git gc --prune=now` took it away while the "
    "run went on. The run cannot be reproduced.",
    "not-a-figure": "`log_figure` was given something that has neither `savefig` nor `save`.",
    "not-a-number": "A value logged as a metric is no number. `count` says how often.",
    "not-a-step": "A step was no whole number. The next step was taken instead.",
    "not-recorded": "The operating system refused a write (disk full, read-only), or the run was "
    "taken for dead and recorded by another machine. `count` says how "
    "many log calls are missing.",
    "output-not-recorded": "An output could not be hashed or stored. The output's `problem` says "
    "why.",
    "output-not-written": "An output lay there before the command ran, and was not written by it. "
    "It is recorded only where it was named by its path and the run finished.",
    "unknown-event": "A later runref wrote an event that this one does not know.",
}
