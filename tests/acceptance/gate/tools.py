"""Installs what a suite needs, from pinned versions, below `target/acceptance`."""

import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HERE = ROOT / "tests" / "acceptance"
WORK = ROOT / "target" / "acceptance"
STAMP = ".pins"


class SetupError(Exception):
    """What is missing and what to do about it."""


def run(command, log, **options):
    """Runs `command` with all its output appended to `log`; returns the exit code."""
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as out:
        out.write(("$ " + " ".join(map(str, command)) + "\n").encode())
        out.flush()
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False, **options
        ).returncode


def must(command, log, **options):
    """Runs `command`; a failure names the command and shows the end of its output."""
    if run(command, log, **options) != 0:
        raise SetupError(f"`{' '.join(map(str, command))}` failed:\n{tail(log, 8)}")


def start_group(command, out, environment, **options):
    """Starts a process that leads a group of its own, for it starts others and they would outlive it."""
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        **options,
    )


def stop_group(process):
    """Stops the whole group of a process, gently at first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass


def tail(log, lines):
    """The last lines of a log."""
    return "\n".join(Path(log).read_text("utf-8", "replace").rstrip().split("\n")[-lines:])


def need(program, debian, brew):
    """Makes sure that `program` is on the PATH, installing its system package if it is not."""
    if not shutil.which(program):
        install(program, debian, brew)
    if not shutil.which(program):
        raise SetupError(f"{program} is still not on the PATH after its installation")


def install(what, debian, brew):
    """Installs system packages with apt-get on Debian and with Homebrew on macOS."""
    log = WORK / "setup.log"
    if shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        if sudo and not shutil.which("sudo"):
            raise SetupError(f"{what} is missing; as root: apt-get install -y {' '.join(debian)}")
        apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"]
        must([*apt, "update"], log)
        must([*apt, "install", "-y", "--no-install-recommends", *debian], log)
    elif platform.system() == "Darwin" and shutil.which("brew"):
        must(["brew", "install", *brew], log)
    else:
        raise SetupError(f"{what} is missing; install it with this system's package manager and run again")


def venv(name):
    """The Python of a virtual environment that holds exactly `pins/<name>.txt`."""
    pins = HERE / "pins" / f"{name}.txt"
    folder = WORK / f"venv-{name}"
    python = folder / "bin" / "python"
    if fresh(folder, pins):
        return python
    log = WORK / f"venv-{name}.log"
    shutil.rmtree(folder, ignore_errors=True)
    if not have_venv():
        install("Python's venv module", ["python3-venv"], ["python"])
    must([sys.executable, "-m", "venv", folder], log)
    must([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins], log)
    stamp(folder, pins)
    return python


def have_venv():
    """Debian ships `venv` without `ensurepip`; only both together make an environment."""
    check = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def node_modules(name):
    """The `node_modules` folder of the committed lock file `<name>/package-lock.json`."""
    source = HERE / name
    folder = WORK / name
    need("node", ["nodejs", "npm"], ["node"])
    need("npm", ["npm"], ["node"])
    lock = source / "package-lock.json"
    if not fresh(folder, lock):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, folder)
        must(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], WORK / f"{name}.log", cwd=folder)
        stamp(folder, lock)
    return folder / "node_modules"


def cargo_tool(package, version):
    """The path of a cargo subcommand, built once at a pinned version below `target/tools`."""
    tools = ROOT / "target" / "tools"
    binary = tools / "bin" / package
    done = tools / f"{package}-{version}"
    if not (binary.exists() and done.exists()):
        # A debug build of the tool: it starts in seconds less than an optimised one compiles in minutes.
        must(
            ["cargo", "install", "--locked", "--debug", "--force", package, "--version", version]
            + ["--root", tools, "--target-dir", tools / "build"],
            WORK / f"{package}.log",
            cwd=ROOT,
        )
        shutil.rmtree(tools / "build", ignore_errors=True)
        done.touch()
    return binary


def fresh(folder, pins):
    """Whether `folder` was made from these very pins by this very Python."""
    mark = folder / STAMP
    return mark.exists() and mark.read_text() == digest(pins)


def stamp(folder, pins):
    """Notes what `folder` was made from; written last, so that half an installation never counts."""
    (folder / STAMP).write_text(digest(pins))


def digest(pins):
    """Names one set of pins on one Python."""
    return hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()
