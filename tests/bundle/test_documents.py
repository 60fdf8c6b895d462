"""What the commands print as JSON is what the schema says; bundles are signed and vouched for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.bundle.forging import Forge

from runref.model.schema import load_schema


def check(definition: str, document) -> None:
    schema = {**load_schema("cli"), "$ref": f"#/$defs/{definition}"}
    assert not [error.message for error in Draft202012Validator(schema).iter_errors(document)]


@pytest.fixture
def keys(tmp_path, recorded) -> Path:
    """A key that git signs with, and the file that says whose it is."""
    key = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", str(key)]
    subprocess.run(command, check=True)
    recorded.git("config", "gpg.format", "ssh")
    recorded.git("config", "user.signingKey", str(key))
    allowed = tmp_path / "allowed"
    allowed.write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
    return allowed


def test_documents_are_what_the_schema_says(recorded, empty, cli, tmp_path):
    path = str(tmp_path / "x.rrb")
    command = ("bundle", "create", path, "--with", "inputs,outputs", "--json")
    check("bundleCreate", cli(recorded, *command).json)
    Path(path).rename(f"{path}.partial")
    resumed = cli(recorded, *command).json
    assert resumed["resumed"]
    check("bundleCreate", resumed)
    check("bundleInspect", cli(empty, "bundle", "inspect", path, "--json").json)
    check("bundleImport", cli(empty, "bundle", "import", path, "--json").json)


def test_a_signed_bundle_says_who_vouches_for_it(recorded, empty, keys, cli, tmp_path):
    path = str(tmp_path / "signed.rrb")
    assert cli(recorded, "bundle", "create", path, "--sign", "--json").json["signed"]
    shown = cli(empty, "bundle", "inspect", path, "--json").json
    assert shown["signature"]["state"] == "unknown-signer"
    strict = ("--require-signed", "--json")
    refused = cli(empty, "bundle", "import", path, *strict)
    assert (refused.status, refused.error["code"]) == (1, "bundle-unsigned")
    trusting = ("--allowed-signers", str(keys), *strict)
    done = cli(empty, "bundle", "import", path, *trusting)
    assert done.json["signature"]["state"] == "good", done.err
    assert done.json["signature"]["signer"] == "ada@example.org"
    check("bundleImport", done.json)
    assert (
        "good, ada@example.org, ssh key SHA256:"
        in cli(empty, "bundle", "inspect", path, "--allowed-signers", str(keys)).out
    )


def test_a_plain_program_checks_the_signature(recorded, keys, cli, tmp_path):
    path = tmp_path / "signed.rrb"
    cli(recorded, "bundle", "create", str(path), "--sign")
    subprocess.run(["tar", "xf", path, "MANIFEST", "MANIFEST.sig"], cwd=tmp_path, check=True)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(keys), "-I", "ada@example.org"]
    with (tmp_path / "MANIFEST").open() as manifest:
        subprocess.run(
            [*command, "-n", "runref-bundle", "-s", tmp_path / "MANIFEST.sig"],
            stdin=manifest,
            check=True,
        )


def test_a_signature_of_something_else_is_refused(recorded, empty, keys, cli, tmp_path):
    path, other = tmp_path / "signed.rrb", tmp_path / "other.rrb"
    cli(recorded, "bundle", "create", str(path), "--sign", recorded.runs()[0])
    cli(recorded, "bundle", "create", str(other), "--sign", recorded.runs()[1])
    signature = Forge.of(other).signature
    forge = Forge.of(path)
    forge.signature = signature
    before = empty.state()
    done = cli(empty, "bundle", "import", str(forge.save(path)), "--json")
    assert (done.status, done.error["code"]) == (1, "bundle-damaged")
    assert "signature is not over its manifest" in done.error["message"]
    assert empty.state() == before


def test_an_unsigned_bundle_is_refused_where_a_signature_is_asked_for(bundle, empty, cli, keys):
    command = ("bundle", "import", str(bundle), "--allowed-signers", str(keys), "--require-signed")
    done = cli(empty, *command, "--json")
    assert (done.status, done.error["code"]) == (1, "bundle-unsigned")


def test_a_signed_bundle_is_gone_on_with_by_who_signs_only(recorded, keys, cli, tmp_path):
    path = tmp_path / "x.rrb"
    partial = tmp_path / "x.rrb.partial"
    command = ("bundle", "create", str(path), "--with", "outputs", "--json")
    cli(recorded, *command, "--sign")
    path.rename(partial)
    assert not cli(recorded, *command).json["resumed"]
    path.rename(partial)
    assert not cli(recorded, *command, "--sign").json["resumed"]
    path.rename(partial)
    assert cli(recorded, *command, "--sign").json["resumed"]


def test_runs_that_were_removed_from_lists_come_along(recorded, empty, cli, tmp_path):
    ids = recorded.runs()
    cli(recorded, "rm", ids[0])
    path = str(tmp_path / "x.rrb")
    assert cli(recorded, "bundle", "create", path, "--json").json["runs"] == ids
    cli(empty, "bundle", "import", path)
    listed = cli(empty, "ls", "--json").json["runs"]
    assert sorted(run["id"] for run in listed) == ids[1:]
    done = cli(recorded, "bundle", "create", path, "-f", "--query", "scale > 0", "--json")
    assert done.json["runs"] == ids[1:]
