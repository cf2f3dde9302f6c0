"""Runs the commands of a release: `make build`, `sam build`, `make bench`, `cargo install`.

Builds only for the processor of this machine, since each build takes minutes. The benches measure everything once,
which shows that they work.
"""

import os
import shutil
import subprocess
import sys

import deploy
from gate import functions, roles, rust, tools, zips
from gate.report import Outcome
from package import megabytes

LABEL = "release: functions, benches, tool"
BENCH_SECONDS = 600
BENCHES = {"functions": "add or remove a member", "local": "POST SAML response", "saml": "none with other claims"}
# These read CPU time from `/proc`.
LINUX_ONLY = ("functions", "local")


def prepare():
    """Installs the tools of the builds."""
    for name in ("cargo-lambda", "package", "sam"):
        tools.venv(name)
    return functions.of_this_machine(), roles.template()


def run(prepared, target, folder):
    """Runs every command. If `make build` fails, the commands that need the functions are skipped."""
    processor, template = prepared
    log = folder / "output.log"
    log.unlink(missing_ok=True)
    outcome = Outcome()
    if processor:
        if run_make_build(processor, log, outcome):
            run_sam_build(processor, template, folder / "sam", log, outcome)
            run_benches(BENCHES, log, outcome)
    else:
        outcome.notes.append("functions and most benches did not run: this system does not run executables for Lambda")
        run_benches([name for name in BENCHES if name not in LINUX_ONLY], log, outcome)
    run_cargo_install(target.local, folder, log, outcome)
    return outcome


def run_make_build(processor, log, outcome):
    """Runs `make build`, which checks that its functions start on Lambda and are within their budgets."""
    script = [sys.executable, tools.HERE / "package.py", processor.name, "--within-budget", "--log", log]
    built = succeeds("make build", script, log, outcome)
    if built:
        sizes = {name: megabytes(functions.folder(processor, name) / "bootstrap.zip") for name in functions.names()}
        shown = ", ".join(f"{name} {sizes[name]:.2f} of {budget:.2f}" for name, budget in functions.BUDGETS.items())
        total = f"{sum(sizes.values()):.2f} of {functions.BUDGET_OF_ALL:.2f}"
        outcome.notes.append(f"{processor.name}, megabytes zipped: {shown}, all {total}")
    return built


def run_sam_build(processor, template, folder, log, outcome):
    """Runs `sam build`, which must make the same executables as `make build`.

    Both compile in one folder. Cargo compiles nothing twice because the flags are the same.
    """
    # Not into the default folder, which a developer's next `sam deploy` would deploy.
    options = ["--build-dir", folder, "--parameter-overrides", f"Architecture={processor.name}"]
    if not succeeds("sam build", [sys.executable, tools.HERE / "deploy.py", "--build-only", *options], log, outcome):
        return
    built = (folder / "template.yaml").read_text("utf-8")
    outcome.expect(len(deploy.REVISION.findall(built)) == 1, "the built template has one GATEHOUSE_REVISION")
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == roles.FUNCTION:
            name = roles.binary(resource)
            ours = functions.folder(processor, name) / "bootstrap"
            theirs = folder / logical_id / "bootstrap"
            same = theirs.exists() and zips.sha256(theirs) == zips.sha256(ours)
            outcome.expect(same, f"make build and sam build make the same {name}")


def run_benches(names, log, outcome):
    """Runs benches with the profile and the features of the tests, so that their dependencies are compiled already."""
    for name in names:
        before = log.stat().st_size if log.exists() else 0
        command = ["cargo", "bench", "--locked", "--profile", "dev", "--workspace", "--bench", name, "--", "--once"]
        code = run_bounded(command, log)
        output = log.read_bytes()[before:].decode("utf-8", "replace")
        outcome.expect(code == 0 and BENCHES[name] in output, f"bench {name}", tools.tail(log, 8))


def run_bounded(command, log):
    """Runs a command and the processes that it starts; returns the exit code, or None if the time is over."""
    with open(log, "ab") as out:
        process = tools.start_group(command, out, rust.PLAIN, cwd=tools.ROOT)
        try:
            return process.wait(BENCH_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            tools.stop_group(process)


def run_cargo_install(local, folder, log, outcome):
    """Installs the command line tool in debug mode, which saves minutes, and runs it against the server."""
    root = folder / "installed"
    shutil.rmtree(root, ignore_errors=True)
    command = ["cargo", "install", "--locked", "--path", "functions/gatehouse", "--debug", "--root", root]
    if not succeeds("cargo install", command, log, outcome):
        return
    server = {"GATEHOUSE_URL": local.ready["base_url"], "GATEHOUSE_OPERATOR_KEY": local.ready["operator_key"]}
    for argument, answer in (("--version", "gatehouse "), ("--help", "Usage: gatehouse"), ("doctor", "ok ")):
        done = subprocess.run(
            [root / "bin" / "gatehouse", argument],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **server},
        )
        right = done.returncode == 0 and answer in done.stdout
        outcome.expect(right, f"gatehouse {argument}", done.stdout + done.stderr)


def succeeds(name, command, log, outcome):
    """Runs a command and counts it as one check; returns whether it succeeds."""
    code = tools.run(command, log, cwd=tools.ROOT, env=rust.PLAIN)
    outcome.expect(code == 0, name, tools.tail(log, 12))
    return code == 0
