#!/usr/bin/env python3
"""Builds with SAM and deploys to the account that the AWS CLI is signed in to.

`deploy.py prod` deploys the stage prod of `samconfig.toml`; without a stage it is the default one. What follows the
stage goes to `sam deploy`, as `--guided` does. With `--build-only` nothing is deployed and no account is needed; then
the rest goes to `sam build`.
"""

import subprocess
import sys

sys.dont_write_bytecode = True

from gate import tools  # noqa: E402
from package import environment  # noqa: E402


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
        call([sam, "build"], env)
        call([sam, "deploy", "--config-env", stage, *arguments], env)


def call(command, env):
    """Runs a command on this terminal; its failure is ours."""
    code = subprocess.run(command, cwd=tools.ROOT, env=env, check=False).returncode
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
