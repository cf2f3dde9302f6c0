"""What is deployed: the Lambda functions of the template, for two processors, each with a budget."""

import platform
import re
from dataclasses import dataclass

from gate import tools

TEMPLATE = tools.ROOT / "template.yaml"
BINARY = re.compile(r"\bBinary: ([a-z][a-z0-9-]*)")
# Megabytes, zipped: the size of a function is part of its cold start.
BUDGETS = {"scim": 3.0, "saml-acs": 4.0}
BUDGET_OF_ALL = 14.0


@dataclass(frozen=True)
class Processor:
    """One of the two that Lambda has, by the name that the template's parameter uses."""

    name: str
    flag: str
    target: str
    # As the header of an executable names it.
    machine: str


PROCESSORS = {
    processor.name: processor
    for processor in (
        Processor("arm64", "--arm64", "aarch64-unknown-linux-gnu", "EM_AARCH64"),
        Processor("x86_64", "--x86-64", "x86_64-unknown-linux-gnu", "EM_X86_64"),
    )
}


def of_this_machine():
    """The processor whose functions this machine can run, or None: they are executables of Linux."""
    if platform.system() != "Linux":
        return None
    return PROCESSORS.get({"aarch64": "arm64"}.get(platform.machine(), platform.machine()))


def names():
    """The functions, as the template names their binaries."""
    found = sorted(set(BINARY.findall(TEMPLATE.read_text("utf-8"))))
    if not found:
        raise tools.SetupError(f"{TEMPLATE.name} names no binary")
    return found


def folder(processor, function):
    """Where a function is put once it is built: `bootstrap`, its zip and its bill of materials."""
    return tools.ROOT / "target" / "lambda" / processor.name / function
