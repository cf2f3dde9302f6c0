"""Checks that an executable starts on Lambda's runtime `provided.al2023`, which has glibc 2.34 and few libraries."""

import json
import subprocess

from gate import tools

DRIVER = tools.HERE / "drivers" / "inspect_executables.py"
GLIBC = (2, 34)
# The libraries of glibc.
LIBRARIES = ("ld-linux", "libc.so", "libdl.so", "libm.so", "libpthread.so", "librt.so")


def inspect(executables):
    """Returns the machine, the shared libraries and the version of glibc that each executable needs."""
    python = tools.venv("package")
    command = [python, "-I", DRIVER, *executables]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise tools.SetupError(f"cannot read the executables:\n{done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def problems(found, machine, glibc=GLIBC):
    """Returns the reasons why an executable would not start on Lambda; empty if it would."""
    reasons = []
    if found["machine"] != machine:
        reasons.append(f"is for {found['machine']} and not {machine}")
    foreign = [name for name in found["libraries"] if not name.startswith(LIBRARIES)]
    if foreign:
        reasons.append(f"needs {', '.join(foreign)}")
    if tuple(found["glibc"]) > glibc:
        reasons.append("needs glibc " + ".".join(map(str, found["glibc"])))
    return reasons
