#!/usr/bin/env python3
"""Builds the zip of every Lambda function, for arm64 and x86-64.

Needs no container: cargo-lambda and its linker come from PyPI, pinned. In `target/lambda/<processor>/<function>/` are
then the executable, `bootstrap`, its zip and its bill of materials, and above them `SHA256SUMS`
and a template of the zips; all but the executables are in one archive, too. `sam build` makes
the same executables from the same sources. Fails when an executable would not start on Lambda's own operating system
and, with --within-budget, when a zip is over its budget.
"""

import argparse
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from gate import bundle, elf, functions, sbom, tools, zips  # noqa: E402


def main():
    """Builds, then prints one line per function."""
    arguments = parse()
    try:
        packages = [
            package(functions.PROCESSORS[name], arguments.log) for name in arguments.processor or functions.PROCESSORS
        ]
    except tools.SetupError as error:
        sys.exit(f"package: {error}")
    problems = [problem for bad, over in packages for problem in (bad + over if arguments.within_budget else bad)]
    if problems:
        sys.exit("package: " + "\n         ".join(problems))


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("processor", nargs="*", metavar="PROCESSOR", help="arm64 or x86_64; both, unless named")
    parser.add_argument("--within-budget", action="store_true", help="fail when a zip is over its budget")
    parser.add_argument("--log", type=Path, help="add to this file what the compiler says")
    arguments = parser.parse_args()
    if unknown := set(arguments.processor) - set(functions.PROCESSORS):
        parser.error(f"{', '.join(sorted(unknown))}: choose of {', '.join(functions.PROCESSORS)}")
    return arguments


def package(processor, log=None):
    """Builds and packs every function for one processor; returns what would not run, and what is over its budget."""
    names = functions.names()
    build(processor, names, log)
    executables = {name: functions.folder(processor, name) / "bootstrap" for name in names}
    made = {name: pack(processor, name, executable) for name, executable in executables.items()}
    archive = bundled(processor, [file for files in made.values() for file in files])
    sizes = {name: megabytes(archive) for name, (archive, _) in made.items()}
    print(f"\n{processor.name:<16}    zipped     budget  executable  sha256 of the zip")
    for name, (packed, _) in made.items():
        plain = megabytes(executables[name])
        digest = zips.sha256(packed)
        print(f"  {name:<14} {sizes[name]:6.2f} MB  {allowed(functions.BUDGETS.get(name))}  {plain:7.2f} MB  {digest}")
    total = sum(sizes.values())
    print(f"  {'all':<14} {total:6.2f} MB  {allowed(functions.BUDGET_OF_ALL)}")
    print(f"  {archive.name}  sha256 {zips.sha256(archive)}", flush=True)
    over = [name for name, budget in functions.BUDGETS.items() if sizes[name] > budget]
    if total > functions.BUDGET_OF_ALL:
        over.append("all together")
    found = elf.inspect(executables.values())
    said = {name: elf.problems(found[str(executable)], processor.machine) for name, executable in executables.items()}
    return (
        [f"{processor.name}: {name} {problem}" for name, problems in said.items() for problem in problems],
        [f"{processor.name}: {name} over budget" for name in over],
    )


def bundled(processor, files):
    """Puts a template beside the zips, and all of it into one archive."""
    folder = functions.folder(processor, "").resolve()
    return bundle.pack(folder, processor, [file.resolve() for file in [*files, *bundle.write(folder, processor)]])


def allowed(budget):
    """A budget as the table shows it."""
    return f"{budget:6.2f} MB" if budget else " " * 9


def build(processor, names, log=None):
    """Compiles the functions, together, since they share nearly everything."""
    if not log:
        log = tools.WORK / f"package-{processor.name}.log"
        log.unlink(missing_ok=True)
        shown = log.relative_to(tools.ROOT)
        print(f"building for {processor.name}, ten minutes the first time; log in {shown}", flush=True)
    binaries = [argument for name in names for argument in ("--bin", name)]
    command = [cargo_lambda() / "cargo-lambda", "lambda", "build", "--locked", "--release", processor.flag, *binaries]
    folder = functions.folder(processor, "")
    tools.must([*command, "--lambda-dir", folder], log, cwd=tools.ROOT, env=environment())


def cargo_lambda():
    """Where cargo-lambda and its linker are."""
    return tools.venv("cargo-lambda").parent


def environment():
    """What a build of functions runs in, with cargo-lambda and its linker on the PATH."""
    return {**os.environ, "PATH": f"{cargo_lambda()}{os.pathsep}{os.environ['PATH']}"}


def pack(processor, name, executable):
    """Makes the zip and the bill of materials of one function."""
    archive = zips.write(executable)
    bill = executable.with_name(f"{name}.cdx.json")
    sbom.write(bill, name, processor.target, zips.sha256(executable))
    return archive, bill


def megabytes(file):
    """The size of a file."""
    return file.stat().st_size / 1e6


if __name__ == "__main__":
    main()
