#!/usr/bin/env python3
"""Checks everything that needs no running server: format, lints, documentation, dependencies, template.

Prints a line for each check; the exit code is 1 if one of them found a problem or did not run. The logs are in
target/acceptance/lint/.
"""

import json
import os
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from gate import tools  # noqa: E402
from gate.report import LABEL_WIDTH, Ticker  # noqa: E402
from gate.rust import FUZZ, PLAIN  # noqa: E402

DENY_VERSION = "0.20.2"
TEMPLATE = tools.ROOT / "template.yaml"
SAMPLES = tools.ROOT / "docs" / "sample-app"
DENY = ("--", "-D", "warnings")
SHOWN_LINES = 60
# `sam validate` needs a region; no telemetry is sent.
AWS = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "SAM_CLI_TELEMETRY": "0"}


def main():
    """Runs every check, the quick ones first, and prints a summary."""
    print("Gatehouse lint\n", flush=True)
    checks = {
        "format": check_rust_format,
        "Python": check_python,
        "npm lock files": check_npm_locks,
        "clippy": check_clippy,
        "documentation": check_documentation,
        "dependencies": check_dependencies,
        "template": check_template,
    }
    failed = [name for name, check in checks.items() if not run_check(name, check)]
    summary = f"lint: {len(checks) - len(failed)} of {len(checks)} clean"
    print("\n" + summary + (f"; not clean: {', '.join(failed)}" if failed else ""))
    sys.exit(1 if failed else 0)


def run_check(name, check):
    """Runs one check and prints its line; returns whether it is clean. A check returns remarks or raises."""
    log = tools.WORK / "lint" / f"{name.replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    problem, remarks = None, None
    with Ticker(name, log) as ticker:
        try:
            remarks = check(log)
        except tools.SetupError as error:
            problem = error
    print(f"  {name:<{LABEL_WIDTH}} {'not clean' if problem else 'clean':<15}  {ticker.seconds():6.1f} s")
    for remark in remarks or []:
        print(f"      {remark}")
    if problem:
        shown = tools.tail(log, SHOWN_LINES) if log.exists() else str(problem)
        print("      " + shown.replace("\n", "\n      "))
    sys.stdout.flush()
    return problem is None


def cargo(log, *arguments, **more):
    """Runs cargo on the workspace."""
    tools.run_checked(["cargo", *arguments], log, cwd=tools.ROOT, env={**PLAIN, **more})


def check_rust_format(log):
    """Checks the format of the Rust sources."""
    cargo(log, "fmt", "--all", "--check")
    cargo(log, "fmt", "--manifest-path", str(FUZZ / "Cargo.toml"), "--check")


def check_python(log):
    """Checks the lints and the format of the Python sources."""
    ruff = tools.venv("ruff").parent / "ruff"
    tools.run_checked([ruff, "check", "--no-cache", tools.HERE], log, cwd=tools.ROOT)
    tools.run_checked([ruff, "format", "--no-cache", "--check", tools.HERE], log, cwd=tools.ROOT)


def check_npm_locks(log):
    """Checks that lock files pin every package by its digest and name no host to download it from."""
    for lock in sorted(tools.HERE.glob("*/package-lock.json")):
        for name, package in json.loads(lock.read_text("utf-8"))["packages"].items():
            if name and ("integrity" not in package or "resolved" in package):
                file = lock.relative_to(tools.ROOT)
                raise tools.SetupError(f"{file}: {name} must have a member `integrity` and no member `resolved`")


def check_clippy(log):
    """Checks every lint of Cargo.toml, in tests too."""
    tools.ensure_program("cc", ["build-essential"], ["llvm"])
    cargo(log, "clippy", "--workspace", "--all-targets", "--locked", "--message-format", "short", *DENY)


def check_documentation(log):
    """Checks the links and code blocks of the documentation, private items included."""
    flags = {"RUSTDOCFLAGS": "-D warnings"}
    cargo(log, "doc", "--workspace", "--no-deps", "--document-private-items", "--locked", **flags)


def check_dependencies(log):
    """Checks licences, duplicates and sources; and known vulnerabilities, if their database can be downloaded."""
    deny = tools.cargo_tool("cargo-deny", DENY_VERSION)
    # cargo-deny reads the crates of every platform; a build has downloaded only those of this one.
    cargo(log, "fetch", "--locked")
    command = [deny, "--config", ".deny.toml"]
    tools.run_checked(
        [*command, "--offline", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"], log, cwd=tools.ROOT
    )
    advisories = log.with_suffix(".advisories.log")
    advisories.unlink(missing_ok=True)
    if tools.run([*command, "check", "--hide-inclusion-graph", "advisories"], advisories, cwd=tools.ROOT) == 0:
        return ["no known vulnerabilities"]
    output = advisories.read_text("utf-8", "replace")
    if re.search(r"failed to fetch advisory database", output):
        return ["vulnerabilities NOT checked: their database could not be downloaded"]
    log.write_text(output, "utf-8")
    raise tools.SetupError("a dependency has a known vulnerability")


def check_template(log):
    """Checks the CloudFormation template and the samples with four linters; their remarks count as findings."""
    cfn_lint = tools.venv("cfn-lint").parent / "cfn-lint"
    sam = tools.venv("sam").parent / "sam"
    # It imports SAM's translator.
    tools.run_checked([tools.venv("sam"), "-B", tools.HERE / "gate" / "translated_template.py", TEMPLATE], log, env=AWS)
    checkov = [tools.venv("checkov").parent / "checkov", "--framework", "cloudformation", "--skip-download"]
    for file in [TEMPLATE, *sorted(SAMPLES.glob("*.yaml"))]:
        tools.run_checked([cfn_lint, "--include-checks", "I", "--template", file], log, cwd=tools.ROOT, env=AWS)
        if "AWS::Serverless" in file.read_text("utf-8"):
            for more in ([], ["--lint"]):
                tools.run_checked([sam, "validate", "--template", file, *more], log, cwd=tools.ROOT, env=AWS)
        tools.run_checked([*checkov, "--compact", "--quiet", "--file", file], log, cwd=tools.ROOT, env=AWS)


if __name__ == "__main__":
    main()
