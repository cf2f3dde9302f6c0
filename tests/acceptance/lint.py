#!/usr/bin/env python3
"""Checks everything that needs no running program: format, lints, documentation, dependencies, template.

Ends with a line per check; the exit code is 1 if one of them found something or did not run. Logs are
below target/acceptance/lint/.
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
# What `sam validate` would otherwise ask for: a region to check against, and nothing sent home.
AWS = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "SAM_CLI_TELEMETRY": "0"}


def main():
    """Runs every check, the quick ones first, and says at the end whether all were clean."""
    print("Gatehouse lint\n", flush=True)
    checks = {
        "format": rust_format,
        "Python": python,
        "npm lock files": npm_locks,
        "clippy": clippy,
        "documentation": documentation,
        "dependencies": dependencies,
        "template": template,
    }
    failed = [name for name, check in checks.items() if not clean(name, check)]
    print(
        f"\nlint: {len(checks) - len(failed)} of {len(checks)} clean" + "".join(f", {name} is not" for name in failed)
    )
    sys.exit(1 if failed else 0)


def clean(name, check):
    """Runs one check and shows its line; a check returns remarks, or raises."""
    log = tools.WORK / "lint" / f"{name.replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    problem, remarks = None, None
    with Ticker(name, log) as ticker:
        try:
            remarks = check(log)
        except tools.SetupError as error:
            problem = error
    print(f"  {name:<{LABEL_WIDTH}} {'found something' if problem else 'clean':<15}  {ticker.seconds():6.1f} s")
    for remark in remarks or []:
        print(f"      {remark}")
    if problem:
        shown = tools.tail(log, SHOWN_LINES) if log.exists() else str(problem)
        print("      " + shown.replace("\n", "\n      "))
    sys.stdout.flush()
    return problem is None


def cargo(log, *arguments, **more):
    """Runs cargo on the workspace."""
    tools.must(["cargo", *arguments], log, cwd=tools.ROOT, env={**PLAIN, **more})


def rust_format(log):
    """The one format that rustfmt makes."""
    cargo(log, "fmt", "--all", "--check")
    cargo(log, "fmt", "--manifest-path", str(FUZZ / "Cargo.toml"), "--check")


def python(log):
    """The acceptance suites themselves."""
    ruff = tools.venv("ruff").parent / "ruff"
    tools.must([ruff, "check", "--no-cache", tools.HERE], log, cwd=tools.ROOT)
    tools.must([ruff, "format", "--no-cache", "--check", tools.HERE], log, cwd=tools.ROOT)


def npm_locks(log):
    """A lock file pins every package by its digest and names no host to fetch it from."""
    for lock in sorted(tools.HERE.glob("*/package-lock.json")):
        for name, package in json.loads(lock.read_text("utf-8"))["packages"].items():
            if name and ("integrity" not in package or "resolved" in package):
                raise tools.SetupError(f"{lock.relative_to(tools.ROOT)}: {name} is not pinned by its digest alone")


def clippy(log):
    """Every lint of Cargo.toml, in tests too."""
    tools.need("cc", ["build-essential"], ["llvm"])
    cargo(log, "clippy", "--workspace", "--all-targets", "--locked", "--message-format", "short", *DENY)


def documentation(log):
    """Every link and every code block of the documentation, private items included."""
    flags = {"RUSTDOCFLAGS": "-D warnings"}
    cargo(log, "doc", "--workspace", "--no-deps", "--document-private-items", "--locked", **flags)


def dependencies(log):
    """Licences, duplicates and sources; and known vulnerabilities, where their database can be fetched."""
    deny = tools.cargo_tool("cargo-deny", DENY_VERSION)
    command = [deny, "--config", ".deny.toml"]
    tools.must(
        [*command, "--offline", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"], log, cwd=tools.ROOT
    )
    advisories = log.with_suffix(".advisories.log")
    advisories.unlink(missing_ok=True)
    if tools.run([*command, "check", "--hide-inclusion-graph", "advisories"], advisories, cwd=tools.ROOT) == 0:
        return ["no known vulnerability"]
    output = advisories.read_text("utf-8", "replace")
    if re.search(r"failed to fetch advisory database", output):
        return ["advisories NOT checked: their database could not be fetched"]
    log.write_text(output, "utf-8")
    raise tools.SetupError("advisories")


def template(log):
    """The CloudFormation template and the samples, by four linters that find different things; remarks count as
    findings."""
    cfn_lint = tools.venv("cfn-lint").parent / "cfn-lint"
    sam = tools.venv("sam").parent / "sam"
    # In SAM's own environment, whose translator it uses.
    tools.must([tools.venv("sam"), "-B", tools.HERE / "gate" / "template_graph.py", TEMPLATE], log, env=AWS)
    checkov = [tools.venv("checkov").parent / "checkov", "--framework", "cloudformation", "--skip-download"]
    for file in [TEMPLATE, *sorted(SAMPLES.glob("*.yaml"))]:
        tools.must([cfn_lint, "--include-checks", "I", "--template", file], log, cwd=tools.ROOT, env=AWS)
        if "AWS::Serverless" in file.read_text("utf-8"):
            for more in ([], ["--lint"]):
                tools.must([sam, "validate", "--template", file, *more], log, cwd=tools.ROOT, env=AWS)
        tools.must([*checkov, "--compact", "--quiet", "--file", file], log, cwd=tools.ROOT, env=AWS)


if __name__ == "__main__":
    main()
