"""Whether an executable runs where Lambda runs it: `provided.al2023`, which has glibc 2.34 and little else."""

import json
import subprocess

from gate import tools

DRIVER = tools.HERE / "drivers" / "inspect_executables.py"
GLIBC = (2, 34)
# What glibc itself consists of.
LIBRARIES = ("ld-linux", "libc.so", "libdl.so", "libm.so", "libpthread.so", "librt.so")


def inspect(executables):
    """Machine, libraries and version of glibc that each executable asks for."""
    python = tools.venv("package")
    command = [python, "-I", DRIVER, *executables]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise tools.SetupError(f"cannot read the executables:\n{done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def problems(found, machine, glibc=GLIBC):
    """Why an executable would not start there; nothing if it would."""
    said = []
    if found["machine"] != machine:
        said.append(f"is for {found['machine']} and not {machine}")
    foreign = [name for name in found["libraries"] if not name.startswith(LIBRARIES)]
    if foreign:
        said.append(f"needs {', '.join(foreign)}")
    if tuple(found["glibc"]) > glibc:
        said.append("needs glibc " + ".".join(map(str, found["glibc"])))
    return said
