"""Runs commands, and installs the tools of the suites at pinned versions below `target/acceptance`."""

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
    """A tool is missing or a command failed. The message says which, and what to do about it."""


def run(command, log, **options):
    """Runs `command`, appends its output to `log` and returns the exit code."""
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as out:
        out.write(("$ " + " ".join(map(str, command)) + "\n").encode())
        out.flush()
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False, **options
        ).returncode


def run_checked(command, log, **options):
    """Runs `command`; raises SetupError with the end of its output if it fails."""
    if run(command, log, **options) != 0:
        raise SetupError(f"`{' '.join(map(str, command))}` failed:\n{tail(log, 8)}")


def start_group(command, out, environment, **options):
    """Starts a process in its own process group, so that `stop_group` also ends the processes that it starts."""
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
    """Stops a process group with SIGTERM, and after ten seconds with SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass


def tail(log, lines):
    """Returns the last lines of a log."""
    return "\n".join(Path(log).read_text("utf-8", "replace").rstrip().split("\n")[-lines:])


def ensure_program(program, debian, brew):
    """Installs the system package of `program` unless it is on the PATH."""
    if not shutil.which(program):
        install(program, debian, brew)
    if not shutil.which(program):
        raise SetupError(f"{program} is not on the PATH, although its package was installed")


def install(what, debian, brew):
    """Installs system packages with apt-get on Debian and with Homebrew on macOS."""
    log = WORK / "setup.log"
    if shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        if sudo and not shutil.which("sudo"):
            raise SetupError(f"{what} is missing; as root: apt-get install -y {' '.join(debian)}")
        apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"]
        run_checked([*apt, "update"], log)
        run_checked([*apt, "install", "-y", "--no-install-recommends", *debian], log)
    elif platform.system() == "Darwin" and shutil.which("brew"):
        run_checked(["brew", "install", *brew], log)
    else:
        raise SetupError(f"{what} is missing; install it with this system's package manager and run again")


def venv(name):
    """Returns the Python of a virtual environment that holds exactly the packages of `pins/<name>.txt`."""
    pins = HERE / "pins" / f"{name}.txt"
    folder = WORK / f"venv-{name}"
    python = folder / "bin" / "python"
    if is_current(folder, pins):
        return python
    log = WORK / f"venv-{name}.log"
    shutil.rmtree(folder, ignore_errors=True)
    if not has_venv():
        install("Python's venv module", ["python3-venv"], ["python"])
    run_checked([sys.executable, "-m", "venv", folder], log)
    run_checked([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins], log)
    stamp(folder, pins)
    return python


def has_venv():
    """Returns whether this Python can create environments. Debian packages `ensurepip` apart from `venv`."""
    check = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def node_modules(name):
    """Installs the committed lock file `<name>/package-lock.json`; returns the folder `node_modules`."""
    source = HERE / name
    folder = WORK / name
    ensure_program("node", ["nodejs", "npm"], ["node"])
    ensure_program("npm", ["npm"], ["node"])
    lock = source / "package-lock.json"
    if not is_current(folder, lock):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, folder)
        run_checked(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], WORK / f"{name}.log", cwd=folder)
        stamp(folder, lock)
    return folder / "node_modules"


def cargo_tool(package, version):
    """Builds a cargo subcommand once, at a pinned version, below `target/tools`; returns its path."""
    tools = ROOT / "target" / "tools"
    binary = tools / "bin" / package
    done = tools / f"{package}-{version}"
    if not (binary.exists() and done.exists()):
        # A debug build: it runs some seconds longer than an optimised one, and compiles minutes faster.
        run_checked(
            ["cargo", "install", "--locked", "--debug", "--force", package, "--version", version]
            + ["--root", tools, "--target-dir", tools / "build"],
            WORK / f"{package}.log",
            cwd=ROOT,
        )
        shutil.rmtree(tools / "build", ignore_errors=True)
        done.touch()
    return binary


def is_current(folder, pins):
    """Returns whether `folder` was installed from this content of `pins` by this version of Python."""
    mark = folder / STAMP
    return mark.exists() and mark.read_text() == digest(pins)


def stamp(folder, pins):
    """Marks `folder` as complete. Written last, so that an interrupted installation is repeated."""
    (folder / STAMP).write_text(digest(pins))


def digest(pins):
    """Digest of the pins and of the version of Python."""
    return hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()
