#!/usr/bin/env python3
"""Serves the Lambda functions as AWS does, on http://127.0.0.1:9000, with the data of `make run` in another terminal.

`cargo lambda watch` emulates API Gateway and the Lambda runtime. It compiles a function at its first request and after
a change. Variables of the environment override the defaults; arguments other than `--port` are passed to it.
"""

import argparse
import os
import sys

sys.dont_write_bytecode = True

from gate import tools  # noqa: E402

# The addresses and names of `make run`. The key id of each function is in Cargo.toml.
DEFAULTS = {
    "AWS_REGION": "us-east-1",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:7401",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:7402",
    "GATEHOUSE_OPERATOR_AUTH": "key",
    "GATEHOUSE_STAGE": "local",
    "GATEHOUSE_TABLE": "gatehouse",
}


def main():
    """Replaces this process with `cargo lambda watch`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9000, help="port on 127.0.0.1")
    arguments, more = parser.parse_known_args()
    try:
        binaries = tools.venv("cargo-lambda").parent
    except tools.SetupError as error:
        sys.exit(f"watch: {error}")
    address = f"http://127.0.0.1:{arguments.port}"
    # It also emulates Lambda's API, for the function that checks the others.
    defaults = {**DEFAULTS, "AWS_ENDPOINT_URL_LAMBDA": address}
    fixed = {
        "GATEHOUSE_BASE_URL": address,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
    }
    listen = ["--invoke-address", "127.0.0.1", "--invoke-port", str(arguments.port)]
    command = ["cargo-lambda", "lambda", "watch", "--locked", "--disable-cors", *listen, *more]
    os.chdir(tools.ROOT)
    os.execve(binaries / "cargo-lambda", command, {**defaults, **os.environ, **fixed})


if __name__ == "__main__":
    main()
