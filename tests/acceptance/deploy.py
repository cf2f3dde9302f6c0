#!/usr/bin/env python3
"""Builds with SAM and deploys to the account that the AWS CLI is signed in to.

`deploy.py prod` deploys the stage prod of `samconfig.toml`; without a stage it is the default one. What follows the
stage goes to `sam deploy`, as `--guided` does. With `--build-only` nothing is deployed and no account is needed; then
the rest goes to `sam build`.

SAM makes a version of a function when the template differs, whatever the parameters are. So a digest of these is
written into the built template: functions get them with a new version, checked and canaried as one of code.
"""

import hashlib
import json
import re
import subprocess
import sys
import time
import tomllib

sys.dont_write_bytecode = True

from gate import tools  # noqa: E402
from package import environment  # noqa: E402

REVISION = re.compile(r"^( +GATEHOUSE_REVISION: ).*$", re.M)


def main():
    """Builds, then hands the terminal to `sam deploy`, which asks before it changes staging or prod."""
    arguments = sys.argv[1:]
    build_only = "--build-only" in arguments
    stage = arguments.pop(0) if arguments and not arguments[0].startswith("-") else "default"
    try:
        sam = tools.venv("sam").parent / "sam"
        env = {**environment(), "SAM_CLI_TELEMETRY": "0"}
    except tools.SetupError as error:
        sys.exit(f"deploy: {error}")
    # SAM looks for the functions below the folder that cargo builds into by default.
    env.pop("CARGO_TARGET_DIR", None)
    if build_only:
        arguments.remove("--build-only")
        call([sam, "build", *arguments], {"AWS_DEFAULT_REGION": "us-east-1", **env})
    else:
        call([sam, "build", "--config-env", stage], env)
        write_revision(tools.ROOT / ".aws-sam" / "build" / "template.yaml", revision(stage, arguments))
        call([sam, "deploy", "--config-env", stage, *arguments], env)


def revision(stage, arguments):
    """Another text for other parameters. Those that SAM asks for are not known here, so then it is always another."""
    sections = tomllib.loads((tools.ROOT / "samconfig.toml").read_text("utf-8")).get(stage, {})
    chosen = [sections[command]["parameters"].get("parameter_overrides") for command in sorted(sections)]
    asked = time.time_ns() if "--guided" in arguments else 0
    return hashlib.sha256(json.dumps([chosen, arguments, asked]).encode()).hexdigest()[:12]


def write_revision(template, text):
    """Puts it where the template has its own."""
    found = template.read_text("utf-8")
    written, times = REVISION.subn(rf"\g<1>{text!r}", found)
    if times != 1:
        sys.exit(f"deploy: {template} has no single GATEHOUSE_REVISION")
    template.write_text(written, "utf-8")


def call(command, env):
    """Runs a command on this terminal; its failure is ours."""
    code = subprocess.run(command, cwd=tools.ROOT, env=env, check=False).returncode
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
