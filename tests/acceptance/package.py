#!/usr/bin/env python3
"""Builds the zip of every Lambda function, for arm64 and x86-64; for one of them with `package.py arm64`.

Needs no container: cargo-lambda and its linker come from PyPI, pinned. In `target/lambda/<processor>/<function>/` are
then the executable, `bootstrap`, its zip and its bill of materials, and above them `SHA256SUMS`. `sam build` makes
the same executables from the same sources. Fails when a zip is over its budget, or when an executable would not start
on Lambda's own operating system.
"""

import os
import sys

sys.dont_write_bytecode = True

from gate import elf, functions, sbom, tools, zips  # noqa: E402


def main():
    """Builds, then prints one line per function."""
    chosen = sys.argv[1:] or list(functions.PROCESSORS)
    unknown = [name for name in chosen if name not in functions.PROCESSORS]
    if unknown:
        sys.exit(f"package: {', '.join(unknown)}: choose of {', '.join(functions.PROCESSORS)}")
    try:
        problems = [problem for name in chosen for problem in package(functions.PROCESSORS[name])]
    except tools.SetupError as error:
        sys.exit(f"package: {error}")
    if problems:
        sys.exit("package: " + "\n         ".join(problems))


def package(processor):
    """Builds and packs every function for one processor; returns what is wrong with them."""
    names = functions.names()
    build(processor, names)
    executables = {name: functions.folder(processor, name) / "bootstrap" for name in names}
    made = [pack(processor, name, executable) for name, executable in executables.items()]
    zips.write_checksums(functions.folder(processor, "").resolve(), [file for files in made for file in files])
    print(f"\n{processor.name:<16}    zipped    budget  executable  sha256 of the zip")
    sizes = [megabytes(files[0]) for files in made]
    for name, size, (archive, _) in zip(names, sizes, made, strict=True):
        plain = megabytes(executables[name])
        print(f"  {name:<14} {size:6.2f} MB {functions.budget(name):6.2f} MB  {plain:7.2f} MB  {zips.sha256(archive)}")
    print(f"  {'all':<14} {sum(sizes):6.2f} MB {functions.BUDGET_OF_ALL:6.2f} MB", flush=True)
    over = [name for name, size in zip(names, sizes, strict=True) if size > functions.budget(name)]
    if sum(sizes) > functions.BUDGET_OF_ALL:
        over.append("all together")
    problems = [f"{processor.name}: {name} over budget" for name in over]
    found = elf.inspect(executables.values())
    for name, executable in executables.items():
        said = elf.problems(found[str(executable)], processor.machine)
        problems += [f"{processor.name}: {name} {problem}" for problem in said]
    return problems


def build(processor, names):
    """Compiles the functions, together, since they share nearly everything."""
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
