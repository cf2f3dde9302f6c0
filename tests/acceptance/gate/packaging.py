"""Checks of how functions are packed, on other executables than theirs, which take minutes to build."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import deploy

from gate import bundle_checks, elf, functions, sbom, tools, zips
from gate.report import Outcome

BYTES = b"\x7fELF, or nearly" * 1000
DIGEST = "0" * 64
# Built from this checkout, so no archive of them has a digest.
OURS = {"oidc", "saml", "scim", "shared", "types"}
SBOM_DRIVER = tools.HERE / "drivers" / "validate_sboms.py"


def test(log):
    """Zips, bills of materials, bundles, and what an executable may ask of Lambda's operating system."""
    log.write_text("", "utf-8")
    folder = log.parent / "work"
    shutil.rmtree(folder, ignore_errors=True)
    outcome = Outcome()
    same_zip_from_same_bytes(folder, outcome)
    bills_of_materials(folder, outcome)
    executables(outcome)
    bundle_checks.check(folder, log, outcome)
    other_parameters_make_another_revision(folder, outcome)
    return outcome


def other_parameters_make_another_revision(folder, outcome):
    """What `make deploy` writes into the built template."""
    prod = deploy.revision("prod", [])
    outcome.expect(prod == deploy.revision("prod", []), "the same parameters, the same revision")
    others = {deploy.revision("dev", []), deploy.revision("prod", ["--parameter-overrides", "LogLevel=warn"])}
    outcome.expect(len(others) == 2 and prod not in others, "other parameters, another", sorted(others))
    asked = {deploy.revision("prod", ["--guided"]) for _ in range(2)}
    outcome.expect(len(asked) == 2, "parameters that SAM asks for, always another", sorted(asked))
    template = folder / "revision.yaml"
    template.write_bytes(functions.TEMPLATE.read_bytes())
    before = template.read_text("utf-8").splitlines()
    deploy.write_revision(template, prod)
    after = template.read_text("utf-8").splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if new != old]
    outcome.expect([line.strip() for line in changed] == [f"GATEHOUSE_REVISION: '{prod}'"], "written once", changed)


def same_zip_from_same_bytes(folder, outcome):
    """Neither the time nor the permissions of a file on this machine get into a zip."""
    archives = []
    for name, time, mode in (("one", 1_000_000_000, 0o700), ("two", 1_700_000_000, 0o644)):
        bootstrap = folder / name / "bootstrap"
        bootstrap.parent.mkdir(parents=True)
        bootstrap.write_bytes(BYTES)
        bootstrap.chmod(mode)
        os.utime(bootstrap, (time, time))
        archives.append(zips.write(bootstrap))
    one, two = archives
    outcome.expect(one.read_bytes() == two.read_bytes(), "the same executable makes the same zip")
    with zipfile.ZipFile(one) as archive:
        (entry,) = archive.infolist()
        outcome.expect(entry.filename == "bootstrap" and archive.read(entry) == BYTES, "it holds the executable alone")
        outcome.expect(entry.external_attr >> 16 & 0o111 == 0o111, "which may be executed")
    zips.write_checksums(folder, archives)
    lines = (folder / "SHA256SUMS").read_text("utf-8").splitlines()
    outcome.expect(lines == [f"{zips.sha256(one)}  {name}/bootstrap.zip" for name in ("one", "two")], "checksums")
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--check", "SHA256SUMS"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        outcome.expect(done.returncode == 0, "sha256sum finds them right", done.stdout + done.stderr)
    else:
        outcome.notes.append("no sha256sum on this system: its reading of SHA256SUMS is not checked")


def bills_of_materials(folder, outcome):
    """Every function has one, complete, and of the form that CycloneDX gives it."""
    documents = {}
    for processor in functions.PROCESSORS.values():
        for function in functions.names():
            documents[function] = sbom.document(function, processor.target, DIGEST)
            complete(function, documents[function], outcome)
    again = sbom.document(function, processor.target, DIGEST)
    outcome.expect(again == documents[function], "the same sources make the same bill of materials")
    # One, since all are made alike and the check takes seconds.
    right, wrong = folder / "right.cdx.json", folder / "wrong.cdx.json"
    right.write_text(json.dumps(documents["saml-acs"]), "utf-8")
    wrong.write_text(json.dumps({**documents["saml-acs"], "components": [{"type": "a thing"}]}), "utf-8")
    errors = violations([right, wrong])
    outcome.expect(not errors[str(right)], "valid CycloneDX 1.6", errors[str(right)])
    outcome.expect(errors[str(wrong)], "an invalid bill of materials is refused")


def violations(bills):
    """What is wrong with each bill of materials, by CycloneDX's own schema."""
    command = [tools.venv("package"), "-I", SBOM_DRIVER, *bills]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise tools.SetupError(f"cannot check the bills of materials:\n{done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def complete(function, document, outcome):
    """Everything in it says what it is, and all that is needed is in it."""
    components = {component["bom-ref"]: component for component in document["components"]}
    names = {component["name"] for component in components.values()}
    outcome.expect({"aws-lc", "openssl", "tokio", *OURS} <= names, f"{function}: its libraries", sorted(names))
    main = document["metadata"]["component"]["name"]
    outcome.expect(main == function, f"{function}: the component is the function", main)
    unused = {component["name"] for component in components.values() if component.get("scope") == "excluded"}
    outcome.expect(unused == {"openssl"}, f"{function}: what is built and not linked", sorted(unused))
    compiled_in = names & {"askama_macros", "cc", "openssl-src", "dynoxide-rs", "proptest"}
    outcome.expect(not compiled_in, f"{function}: nothing of build or tests", sorted(compiled_in))
    bare = [ref for ref, component in components.items() if "licenses" not in component]
    bare += [
        ref
        for ref, component in components.items()
        if ref.startswith("pkg:cargo/") and component["name"] not in OURS and "hashes" not in component
    ]
    outcome.expect(not bare, f"{function}: licences and digests", ", ".join(bare))
    known = {*components, document["metadata"]["component"]["bom-ref"]}
    needed = {need for entry in document["dependencies"] for need in [entry["ref"], *entry["dependsOn"]]}
    outcome.expect(needed == known, f"{function}: what needs what", sorted(needed ^ known))


def executables(outcome):
    """What would not start in Lambda is found."""
    fine = {"machine": "EM_AARCH64", "libraries": ["libc.so.6", "ld-linux-aarch64.so.1"], "glibc": [2, 34]}
    outcome.expect(not elf.problems(fine, "EM_AARCH64"), "an executable for Lambda")
    for key, value in (("machine", "EM_X86_64"), ("libraries", ["libssl.so.3"]), ("glibc", [2, 35])):
        said = elf.problems({**fine, key: value}, "EM_AARCH64")
        outcome.expect(len(said) == 1, f"an executable with another {key} is refused", said)
    shell = str(Path(shutil.which("sh")).resolve())
    if Path(shell).read_bytes()[:4] != b"\x7fELF":
        outcome.notes.append("no executable of this system could be read: it is not of the kind that Lambda has")
        return
    found = elf.inspect([shell])[shell]
    outcome.expect(any(name.startswith("libc.") for name in found["libraries"]), "libraries are read", found)
    outcome.expect(found["machine"].startswith("EM_"), "the machine is read", found)
    outcome.expect(found["glibc"] > [2], "the version of glibc is read", found)
