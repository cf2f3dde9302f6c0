"""The Lambda functions of the template: their names, the two processors, the budgets of their zips."""

import platform
import re
from dataclasses import dataclass

from gate import tools

TEMPLATE = tools.ROOT / "template.yaml"
BINARY = re.compile(r"\bBinary: ([a-z][a-z0-9-]*)")
# Megabytes of a zip. The size of a function is part of its cold start.
BUDGETS = {"scim": 3.0, "saml-acs": 4.0, "directory": 3.0, "events": 3.0}
BUDGET_OF_ALL = 22.0


@dataclass(frozen=True)
class Processor:
    """A processor of Lambda."""

    # As in the template's parameter `Architecture`.
    name: str
    # The option of cargo-lambda.
    flag: str
    # Rust's target triple.
    target: str
    # As in the header of an executable.
    machine: str


PROCESSORS = {
    processor.name: processor
    for processor in (
        Processor("arm64", "--arm64", "aarch64-unknown-linux-gnu", "EM_AARCH64"),
        Processor("x86_64", "--x86-64", "x86_64-unknown-linux-gnu", "EM_X86_64"),
    )
}


def of_this_machine():
    """Returns the processor of this machine, or None if this machine runs no executables of Linux."""
    if platform.system() != "Linux":
        return None
    return PROCESSORS.get({"aarch64": "arm64"}.get(platform.machine(), platform.machine()))


def names():
    """Returns the names of the functions: their binaries in the template."""
    found = sorted(set(BINARY.findall(TEMPLATE.read_text("utf-8"))))
    if not found:
        raise tools.SetupError(f"{TEMPLATE.name} names no binary")
    return found


def folder(processor, function):
    """Returns the output folder of a function: `bootstrap`, its zip and its bill of materials."""
    return tools.ROOT / "target" / "lambda" / processor.name / function
