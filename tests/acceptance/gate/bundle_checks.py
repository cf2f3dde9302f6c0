"""Checks bundles with small files in place of the functions, which build for minutes."""

import difflib
import os
import shutil

from gate import bundle, functions, roles, tools, zips

# Lines that a bundle removes from the template for each function, whose name is `{}`.
REMOVED = ("      BuildMethod: rust-cargolambda", "      BuildProperties: {{Binary: {}}}", "      CodeUri: .")
SAM = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "SAM_CLI_TELEMETRY": "0"}


def check(folder, log, outcome):
    """Packs a bundle for each processor and checks it with tar and SAM."""
    original = functions.TEMPLATE.read_text("utf-8")
    for processor in functions.PROCESSORS.values():
        check_differences(original, bundle.template(original, processor), processor, outcome)
        target = folder / "bundle" / processor.name
        files = write_placeholders(target)
        archive = bundle.pack(target, processor, [*files, *bundle.write(target, processor)])
        first = archive.read_bytes()
        for file in files:
            os.utime(file, (1_000_000_000, 1_000_000_000))
        bundle.pack(target, processor, [*files, *bundle.write(target, processor)])
        outcome.expect(archive.read_bytes() == first, f"{processor.name}: the same files make the same archive")
        unpacked = unpack(archive, folder / "unpacked" / processor.name, log)
        check_unpacked(unpacked, log, outcome)
    unknown = {
        "another build method": original.replace("BuildMethod: rust-cargolambda", "BuildMethod: makefile", 1),
        "code in another place": original.replace("      CodeUri: .\n", "      CodeUri: functions\n", 1),
        "another parameter": original.replace("AllowedValues: [arm64, x86_64]", "AllowedValues: [x86_64]"),
    }
    for name, text in unknown.items():
        outcome.expect(text != original and is_refused(text, processor), f"a template with {name} is refused")


def write_placeholders(target):
    """Writes a zip and a bill of materials for each function, without the function; returns their paths."""
    files = []
    for name in functions.names():
        executable = target / name / "bootstrap"
        executable.parent.mkdir(parents=True)
        executable.write_bytes(name.encode() * 1000)
        bill = executable.with_name(f"{name}.cdx.json")
        bill.write_text("{}", "utf-8")
        files += [zips.write(executable), bill]
    return files


def is_refused(text, processor):
    """Returns whether no bundle can be made from this template."""
    try:
        bundle.template(text, processor)
    except tools.SetupError:
        return True
    return False


def check_differences(original, changed, processor, outcome):
    """Only the build method, the code and the processor of the functions differ from the template."""
    lines = difflib.unified_diff(original.splitlines(), changed.splitlines(), n=0, lineterm="")
    lines = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    names = functions.names()
    removed = sorted(f"-{line.format(name)}" for name in names for line in REMOVED)
    removed.append("-    AllowedValues: [arm64, x86_64]")
    added = [f"+      CodeUri: {name}/bootstrap.zip" for name in names]
    added.append(f"+    AllowedValues: [{processor.name}]")
    if processor.name != "arm64":
        removed.append("-    Default: arm64")
        added.append(f"+    Default: {processor.name}")
    found = sorted(line for line in lines if not line.startswith("-      #"))
    comments = len(lines) - len(found)
    outcome.expect(found == sorted(removed + added), f"{processor.name}: the rest of the template is unchanged", found)
    outcome.expect(comments == 1, f"{processor.name}: one comment, about the sources, is removed", comments)


def unpack(archive, target, log):
    """Unpacks the archive with tar; returns the folder in it."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    tools.run_checked(["tar", "-xzf", archive], log, cwd=target)
    (unpacked,) = target.iterdir()
    return unpacked


def check_unpacked(folder, log, outcome):
    """The checksums are right, SAM accepts the template, and every file that it names is in the folder."""
    label = folder.name
    if shutil.which("sha256sum"):
        code = tools.run(["sha256sum", "--check", "SHA256SUMS"], log, cwd=folder)
        outcome.expect(code == 0, f"{label}: sha256sum --check")
    sums = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines()}
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    outcome.expect(sums == files - {"SHA256SUMS"}, f"{label}: every file has a checksum", sorted(sums ^ files))
    sam = tools.venv("sam").parent / "sam"
    for more in ([], ["--lint"]):
        code = tools.run([sam, "validate", "--template", "template.yaml", *more], log, cwd=folder, env=SAM)
        outcome.expect(code == 0, f"{label}: sam validate {' '.join(more)}", f"exit code {code}, see the log")
    template = roles.template(folder / "template.yaml")
    about = template["Metadata"]["AWS::ServerlessRepo::Application"]
    named = [about["LicenseUrl"], about["ReadmeUrl"]]
    for name, resource in template["Resources"].items():
        if resource["Type"] == roles.FUNCTION:
            named.append(resource["Properties"]["CodeUri"])
            build = {"BuildMethod", "BuildProperties"} & set(resource["Metadata"])
            outcome.expect(not build, f"{label}: {name} has no build method", sorted(build))
    missing = [name for name in named if name not in files]
    complete = len(named) == len(functions.names()) + 2 and not missing
    outcome.expect(complete, f"{label}: every file that the template names is there", missing)
