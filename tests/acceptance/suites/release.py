"""What is released, by the commands that make it: `make build`, `sam build`, `make bench`, `cargo install`.

For the processor of this machine alone, since each takes minutes. A bench does each thing once, to see that it works.
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
BENCHES = {"startup": "to first poll", "local": "POST SAML response", "saml": "none with other claims"}
# They read the time of a processor from `/proc`.
OF_LINUX = ("startup", "local")


def prepare():
    """Installs what builds the functions."""
    for name in ("cargo-lambda", "package", "sam"):
        tools.venv(name)
    return functions.of_this_machine(), roles.template()


def run(prepared, target, folder):
    """All of it; the first failure of the functions ends what is done with them."""
    processor, template = prepared
    log = folder / "output.log"
    log.unlink(missing_ok=True)
    outcome = Outcome()
    if processor:
        if make_build(processor, log, outcome):
            sam_build(processor, template, folder / "sam", log, outcome)
            benches(BENCHES, log, outcome)
    else:
        outcome.notes.append("functions and most benches not run: this system runs no executable for Lambda")
        benches([name for name in BENCHES if name not in OF_LINUX], log, outcome)
    cargo_install(target.local, folder, log, outcome)
    return outcome


def make_build(processor, log, outcome):
    """What `make build` makes starts in Lambda and is within its budget."""
    script = [sys.executable, tools.HERE / "package.py", processor.name, "--within-budget", "--log", log]
    made = succeeds("make build", script, log, outcome)
    if made:
        sizes = {name: megabytes(functions.folder(processor, name) / "bootstrap.zip") for name in functions.names()}
        shown = ", ".join(f"{name} {sizes[name]:.2f} of {budget:.2f}" for name, budget in functions.BUDGETS.items())
        total = f"{sum(sizes.values()):.2f} of {functions.BUDGET_OF_ALL:.2f}"
        outcome.notes.append(f"{processor.name}, megabytes zipped: {shown}, all {total}")
    return made


def sam_build(processor, template, folder, log, outcome):
    """`sam build`, with the one parameter that says for which processor, makes the same executables.

    Both compile in one folder, so that what is built alike is built once; with other flags cargo would build it again.
    """
    # Not into the folder that a developer's next `sam deploy` takes.
    options = ["--build-dir", folder, "--parameter-overrides", f"Architecture={processor.name}"]
    if not succeeds("sam build", [sys.executable, tools.HERE / "deploy.py", "--build-only", *options], log, outcome):
        return
    built = (folder / "template.yaml").read_text("utf-8")
    outcome.expect(len(deploy.REVISION.findall(built)) == 1, "make deploy finds where the parameters' digest belongs")
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == roles.FUNCTION:
            name = roles.binary(resource)
            ours = functions.folder(processor, name) / "bootstrap"
            theirs = folder / logical_id / "bootstrap"
            same = theirs.exists() and zips.sha256(theirs) == zips.sha256(ours)
            outcome.expect(same, f"make build and sam build make the same {name}")


def benches(names, log, outcome):
    """The benches as the tests' own profile has them, so that what they stand on is compiled already."""
    for name in names:
        before = log.stat().st_size if log.exists() else 0
        command = ["cargo", "bench", "--locked", "--profile", "dev", "--workspace", "--bench", name, "--", "--once"]
        code = bounded(command, log)
        output = log.read_bytes()[before:].decode("utf-8", "replace")
        outcome.expect(code == 0 and BENCHES[name] in output, f"bench {name}", tools.tail(log, 8))


def bounded(command, log):
    """Runs a command that starts others, and ends all of them when it hangs; the exit code, if it came to one."""
    with open(log, "ab") as out:
        process = tools.start_group(command, out, rust.PLAIN, cwd=tools.ROOT)
        try:
            return process.wait(BENCH_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            tools.stop_group(process)


def cargo_install(local, folder, log, outcome):
    """The installed tool says what it is, and speaks with a deployment. Not optimised, which would take minutes."""
    root = folder / "installed"
    shutil.rmtree(root, ignore_errors=True)
    command = ["cargo", "install", "--locked", "--path", "functions/gatehouse", "--debug", "--root", root]
    if not succeeds("cargo install", command, log, outcome):
        return
    where = {"GATEHOUSE_URL": local.ready["base_url"], "GATEHOUSE_OPERATOR_KEY": local.ready["operator_key"]}
    for argument, answer in (("--version", "gatehouse "), ("--help", "Usage: gatehouse"), ("doctor", "ok ")):
        done = subprocess.run(
            [root / "bin" / "gatehouse", argument],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **where},
        )
        right = done.returncode == 0 and answer in done.stdout
        outcome.expect(right, f"gatehouse {argument}", done.stdout + done.stderr)


def succeeds(name, command, log, outcome):
    """Whether a command does, as one check."""
    code = tools.run(command, log, cwd=tools.ROOT, env=rust.PLAIN)
    outcome.expect(code == 0, name, tools.tail(log, 12))
    return code == 0
