#!/usr/bin/env python3
"""Builds with SAM and deploys to the account that the AWS CLI is signed in to.

`deploy.py prod` deploys the stage prod of `samconfig.toml`; without a stage, the default one. Further arguments, such
as `--guided`, are passed to `sam deploy`. With `--build-only` it deploys nothing and needs no account; further
arguments are then passed to `sam build`.

SAM publishes a new version of a function only if the template differs, not if its parameters do. A digest of the
parameters is therefore written into the built template: a change of them is then checked and canaried as one of code.
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
    """Builds, then deploys. `sam deploy` asks on the terminal before it changes staging or prod."""
    arguments = sys.argv[1:]
    build_only = "--build-only" in arguments
    stage = arguments.pop(0) if arguments and not arguments[0].startswith("-") else "default"
    try:
        sam = tools.venv("sam").parent / "sam"
        env = {**environment(), "SAM_CLI_TELEMETRY": "0"}
    except tools.SetupError as error:
        sys.exit(f"deploy: {error}")
    # SAM expects the executables in cargo's default output folder.
    env.pop("CARGO_TARGET_DIR", None)
    if build_only:
        arguments.remove("--build-only")
        call([sam, "build", *arguments], {"AWS_DEFAULT_REGION": "us-east-1", **env})
    else:
        call([sam, "build", "--config-env", stage], env)
        write_revision(tools.ROOT / ".aws-sam" / "build" / "template.yaml", revision(stage, arguments))
        call([sam, "deploy", "--config-env", stage, *arguments], env)


def revision(stage, arguments):
    """Returns a text that differs for other parameters. With --guided, SAM asks for them, so it differs each time."""
    sections = tomllib.loads((tools.ROOT / "samconfig.toml").read_text("utf-8")).get(stage, {})
    overrides = [sections[command]["parameters"].get("parameter_overrides") for command in sorted(sections)]
    guided_at = time.time_ns() if "--guided" in arguments else 0
    return hashlib.sha256(json.dumps([overrides, arguments, guided_at]).encode()).hexdigest()[:12]


def write_revision(template, text):
    """Replaces the revision in a template."""
    replaced, count = REVISION.subn(rf"\g<1>{text!r}", template.read_text("utf-8"))
    if count != 1:
        sys.exit(f"deploy: {template} names GATEHOUSE_REVISION {count} times, expected once")
    template.write_text(replaced, "utf-8")


def call(command, env):
    """Runs a command on this terminal; exits with its exit code if it fails."""
    code = subprocess.run(command, cwd=tools.ROOT, env=env, check=False).returncode
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
