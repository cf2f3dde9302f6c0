"""Checks of what is deployed without a build, on other executables than the functions', which take minutes to build."""

import difflib
import os
import shutil

from gate import bundle, functions, roles, tools, zips

# Lines of the template that a bundle has not, or has instead; the name of a function is in `{}`.
GONE = ("      BuildMethod: rust-cargolambda", "      BuildProperties: {{Binary: {}}}", "      CodeUri: .")
SAM = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "SAM_CLI_TELEMETRY": "0"}


def check(folder, log, outcome):
    """A bundle for each processor, by what SAM and tar make of it."""
    original = functions.TEMPLATE.read_text("utf-8")
    for processor in functions.PROCESSORS.values():
        only_the_code_differs(original, bundle.template(original, processor), processor, outcome)
        target = folder / "bundle" / processor.name
        made = fake(target)
        archive = bundle.pack(target, processor, [*made, *bundle.write(target, processor)])
        first = archive.read_bytes()
        for file in made:
            os.utime(file, (1_000_000_000, 1_000_000_000))
        bundle.pack(target, processor, [*made, *bundle.write(target, processor)])
        outcome.expect(archive.read_bytes() == first, f"{processor.name}: the same files make the same archive")
        unpacked = unpack(archive, folder / "unpacked" / processor.name, log)
        deployable(unpacked, log, outcome)
    strangers = {
        "another way to build": original.replace("BuildMethod: rust-cargolambda", "BuildMethod: makefile", 1),
        "code elsewhere": original.replace("      CodeUri: .\n", "      CodeUri: functions\n", 1),
        "another parameter": original.replace("AllowedValues: [arm64, x86_64]", "AllowedValues: [x86_64]"),
    }
    for name, text in strangers.items():
        outcome.expect(text != original and refused(text, processor), f"{name} is refused, not passed on")


def fake(target):
    """Something in place of each function's files."""
    made = []
    for name in functions.names():
        executable = target / name / "bootstrap"
        executable.parent.mkdir(parents=True)
        executable.write_bytes(name.encode() * 1000)
        bill = executable.with_name(f"{name}.cdx.json")
        bill.write_text("{}", "utf-8")
        made += [zips.write(executable), bill]
    return made


def refused(text, processor):
    """Whether no bundle is made of this template."""
    try:
        bundle.template(text, processor)
    except tools.SetupError:
        return True
    return False


def only_the_code_differs(original, changed, processor, outcome):
    """Line by line: how functions are built, where their code is, and for which processor it is."""
    lines = difflib.unified_diff(original.splitlines(), changed.splitlines(), n=0, lineterm="")
    lines = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    names = functions.names()
    gone = sorted(f"-{line.format(name)}" for name in names for line in GONE)
    gone.append("-    AllowedValues: [arm64, x86_64]")
    come = [f"+      CodeUri: {name}/bootstrap.zip" for name in names]
    come.append(f"+    AllowedValues: [{processor.name}]")
    if processor.name != "arm64":
        gone.append("-    Default: arm64")
        come.append(f"+    Default: {processor.name}")
    seen = sorted(line for line in lines if not line.startswith("-      #"))
    comments = len(lines) - len(seen)
    outcome.expect(seen == sorted(gone + come), f"{processor.name}: nothing else of the template differs", seen)
    outcome.expect(comments == 1, f"{processor.name}: one comment is about sources", comments)


def unpack(archive, target, log):
    """The folder in the archive, as somebody has it who has downloaded it."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    tools.must(["tar", "-xzf", archive], log, cwd=target)
    (unpacked,) = target.iterdir()
    return unpacked


def deployable(folder, log, outcome):
    """SAM takes the template, and what it names is there."""
    where = folder.name
    if shutil.which("sha256sum"):
        outcome.expect(tools.run(["sha256sum", "--check", "SHA256SUMS"], log, cwd=folder) == 0, f"{where}: checksums")
    sums = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines()}
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    outcome.expect(sums == files - {"SHA256SUMS"}, f"{where}: a checksum for every file", sorted(sums ^ files))
    sam = tools.venv("sam").parent / "sam"
    for more in ([], ["--lint"]):
        code = tools.run([sam, "validate", "--template", "template.yaml", *more], log, cwd=folder, env=SAM)
        outcome.expect(code == 0, f"{where}: sam validate {' '.join(more)}", f"exit code {code}, see the log")
    template = roles.template(folder / "template.yaml")
    about = template["Metadata"]["AWS::ServerlessRepo::Application"]
    named = [about["LicenseUrl"], about["ReadmeUrl"]]
    for name, resource in template["Resources"].items():
        if resource["Type"] == roles.FUNCTION:
            named.append(resource["Properties"]["CodeUri"])
            built = {"BuildMethod", "BuildProperties"} & set(resource["Metadata"])
            outcome.expect(not built, f"{where}: {name} is not built", sorted(built))
    missing = [name for name in named if name not in files]
    outcome.expect(len(named) == len(functions.names()) + 2 and not missing, f"{where}: all is there", missing)
