#!/usr/bin/env python3
"""Builds the zip of every Lambda function, for arm64 and x86-64.

Needs no container: cargo-lambda and its linker are installed from PyPI at pinned versions. Writes the executable
`bootstrap`, its zip and its bill of materials into `target/lambda/<processor>/<function>/`, and `SHA256SUMS` and a
template of the zips above them. An archive holds all of these but the executables. `sam build` makes the same
executables from the same sources. Fails if an executable would not start on Lambda's operating system and, with
--within-budget, if a zip is over its budget.
"""

import argparse
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from gate import bundle, elf, functions, sbom, tools, zips  # noqa: E402


def main():
    """Builds and packs the functions, and prints a line for each."""
    arguments = parse()
    try:
        packages = [
            package_functions(functions.PROCESSORS[name], arguments.log)
            for name in arguments.processor or functions.PROCESSORS
        ]
    except tools.SetupError as error:
        sys.exit(f"package: {error}")
    problems = [problem for bad, over in packages for problem in (bad + over if arguments.within_budget else bad)]
    if problems:
        sys.exit("package: " + "\n         ".join(problems))


def parse():
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("processor", nargs="*", metavar="PROCESSOR", help="arm64 or x86_64; default: both")
    parser.add_argument("--within-budget", action="store_true", help="fail if a zip is over its budget")
    parser.add_argument("--log", type=Path, help="append the output of the compiler to this file")
    arguments = parser.parse_args()
    if unknown := set(arguments.processor) - set(functions.PROCESSORS):
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(functions.PROCESSORS)}")
    return arguments


def package_functions(processor, log=None):
    """Builds and packs every function for one processor.

    Returns two lists of problems: executables that would not start on Lambda, and zips over their budget.
    """
    names = functions.names()
    build(processor, names, log)
    executables = {name: functions.folder(processor, name) / "bootstrap" for name in names}
    packed = {name: pack(processor, name, executable) for name, executable in executables.items()}
    archive = write_bundle(processor, [file for files in packed.values() for file in files])
    sizes = {name: megabytes(package) for name, (package, _) in packed.items()}
    print(f"\n{processor.name:<16}    zipped     budget  executable  sha256 of the zip")
    for name, (package, _) in packed.items():
        budget = format_budget(functions.BUDGETS.get(name))
        plain = megabytes(executables[name])
        print(f"  {name:<14} {sizes[name]:6.2f} MB  {budget}  {plain:7.2f} MB  {zips.sha256(package)}")
    total = sum(sizes.values())
    print(f"  {'all':<14} {total:6.2f} MB  {format_budget(functions.BUDGET_OF_ALL)}")
    print(f"  {archive.name}  sha256 {zips.sha256(archive)}", flush=True)
    over = [name for name, budget in functions.BUDGETS.items() if sizes[name] > budget]
    if total > functions.BUDGET_OF_ALL:
        over.append("all together")
    found = elf.inspect(executables.values())
    return (
        [
            f"{processor.name}: {name} {problem}"
            for name, executable in executables.items()
            for problem in elf.problems(found[str(executable)], processor.machine)
        ],
        [f"{processor.name}: {name} over budget" for name in over],
    )


def write_bundle(processor, files):
    """Writes a template beside the zips and packs everything into an archive; returns its path."""
    folder = functions.folder(processor, "").resolve()
    return bundle.pack(folder, processor, [file.resolve() for file in [*files, *bundle.write(folder, processor)]])


def format_budget(budget):
    """Returns a budget as text of the width of its column."""
    return f"{budget:6.2f} MB" if budget else " " * 9


def build(processor, names, log=None):
    """Compiles the functions in one command, since they share nearly all crates."""
    if not log:
        log = tools.WORK / f"package-{processor.name}.log"
        log.unlink(missing_ok=True)
        file = log.relative_to(tools.ROOT)
        print(f"building for {processor.name}, about ten minutes the first time; log: {file}", flush=True)
    binaries = [argument for name in names for argument in ("--bin", name)]
    command = [cargo_lambda() / "cargo-lambda", "lambda", "build", "--locked", "--release", processor.flag, *binaries]
    folder = functions.folder(processor, "")
    tools.run_checked([*command, "--lambda-dir", folder], log, cwd=tools.ROOT, env=environment())


def cargo_lambda():
    """Returns the folder of cargo-lambda and its linker."""
    return tools.venv("cargo-lambda").parent


def environment():
    """Returns the environment of a build, with cargo-lambda and its linker on the PATH."""
    return {**os.environ, "PATH": f"{cargo_lambda()}{os.pathsep}{os.environ['PATH']}"}


def pack(processor, name, executable):
    """Writes the zip and the bill of materials of one function; returns their paths."""
    archive = zips.write(executable)
    bill = executable.with_name(f"{name}.cdx.json")
    sbom.write(bill, name, processor.target, zips.sha256(executable))
    return archive, bill


def megabytes(file):
    """Returns the size of a file."""
    return file.stat().st_size / 1e6


if __name__ == "__main__":
    main()
