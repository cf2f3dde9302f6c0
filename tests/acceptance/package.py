#!/usr/bin/env python3
"""Builds the zip of every Lambda function, for arm64 and, with `--all`, for x86-64 too.

Needs no container: cargo-lambda and its linker come from PyPI, pinned. The zips are in
`target/lambda/<processor>/<function>/bootstrap.zip`, with their SHA-256 beside them. Fails when one is over its
budget, since the size of a function is part of its cold start.
"""

import hashlib
import os
import sys

sys.dont_write_bytecode = True

from gate import tools  # noqa: E402

# Megabytes, zipped.
BUDGETS = {"scim": 3.0, "admin": 3.0}
PROCESSORS = {"arm64": "--arm64", "x86_64": "--x86-64"}
# For functions alone; `local` and the benches keep the profile of Cargo.toml.
SMALL_AND_QUICK_TO_START = {
    # SCIM waits for DynamoDB, not for the processor; what counts is how much is loaded at a cold start.
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "s",
}


def main():
    """Builds, then prints one line per zip."""
    processors = PROCESSORS if "--all" in sys.argv[1:] else {"arm64": PROCESSORS["arm64"]}
    try:
        over = [name for processor, flag in processors.items() for name in build(processor, flag)]
    except tools.SetupError as error:
        sys.exit(f"package: {error}")
    if over:
        sys.exit(f"package: over budget: {', '.join(over)}")


def build(processor, flag):
    """Builds every function for one processor; returns those that are over their budget."""
    binaries = tools.venv("cargo-lambda").parent
    folder = tools.ROOT / "target" / "lambda" / processor
    log = tools.WORK / f"package-{processor}.log"
    print(f"building for {processor}, a few minutes the first time; log in {log.relative_to(tools.ROOT)}", flush=True)
    packages = [argument for function in BUDGETS for argument in ("--package", function)]
    build = [binaries / "cargo-lambda", "lambda", "build", "--locked", "--release", flag, *packages]
    tools.must(
        [*build, "--output-format", "zip", "--lambda-dir", folder],
        log,
        cwd=tools.ROOT,
        env=environment(binaries),
    )
    return [name for name in BUDGETS if not fits(processor, name, folder / name / "bootstrap.zip")]


def environment(binaries):
    """What a build of functions runs in, with cargo-lambda and its linker on the PATH."""
    path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **SMALL_AND_QUICK_TO_START, "PATH": path}


def fits(processor, name, package):
    """Prints the size of a zip, writes its checksum beside it, and says whether it is within budget."""
    content = package.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    package.with_suffix(".zip.sha256").write_text(f"{digest}  {package.name}\n")
    megabytes = len(content) / 1e6
    print(f"  {name:<8} {processor:<8} {megabytes:5.2f} MB of {BUDGETS[name]:.1f}  sha256 {digest[:16]}…")
    return megabytes <= BUDGETS[name]


if __name__ == "__main__":
    main()
