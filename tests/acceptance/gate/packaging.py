"""Checks zips, bills of materials and bundles with small files in place of the functions, which build for minutes."""

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
# Packages of this workspace: they have no archive, so they have no digest.
OURS = {"directory", "oidc", "saml", "scim", "shared", "types"}
SBOM_DRIVER = tools.HERE / "drivers" / "validate_sboms.py"


def test(log):
    """Runs every check of the level `packaging`."""
    log.write_text("", "utf-8")
    folder = log.parent / "work"
    shutil.rmtree(folder, ignore_errors=True)
    outcome = Outcome()
    check_zips(folder, outcome)
    check_bills_of_materials(folder, outcome)
    check_elf_problems(outcome)
    bundle_checks.check(folder, log, outcome)
    check_revisions(folder, outcome)
    return outcome


def check_revisions(folder, outcome):
    """Other parameters give another revision, which `make deploy` writes into the built template."""
    prod = deploy.revision("prod", [])
    outcome.expect(prod == deploy.revision("prod", []), "the same parameters give the same revision")
    others = {deploy.revision("dev", []), deploy.revision("prod", ["--parameter-overrides", "LogLevel=warn"])}
    outcome.expect(len(others) == 2 and prod not in others, "other parameters give other revisions", sorted(others))
    guided = {deploy.revision("prod", ["--guided"]) for _ in range(2)}
    outcome.expect(len(guided) == 2, "--guided always gives another revision", sorted(guided))
    template = folder / "revision.yaml"
    template.write_bytes(functions.TEMPLATE.read_bytes())
    before = template.read_text("utf-8").splitlines()
    deploy.write_revision(template, prod)
    after = template.read_text("utf-8").splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if new != old]
    written = [line.strip() for line in changed] == [f"GATEHOUSE_REVISION: '{prod}'"]
    outcome.expect(written, "the revision is written once", changed)


def check_zips(folder, outcome):
    """A zip holds the executable alone, and neither its time nor its permissions on this machine."""
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
        outcome.expect(entry.filename == "bootstrap" and archive.read(entry) == BYTES, "a zip holds the executable")
        outcome.expect(entry.external_attr >> 16 & 0o111 == 0o111, "the executable in a zip may be executed")
    zips.write_checksums(folder, archives)
    lines = (folder / "SHA256SUMS").read_text("utf-8").splitlines()
    outcome.expect(lines == [f"{zips.sha256(one)}  {name}/bootstrap.zip" for name in ("one", "two")], "SHA256SUMS")
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--check", "SHA256SUMS"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        outcome.expect(done.returncode == 0, "sha256sum --check accepts SHA256SUMS", done.stdout + done.stderr)
    else:
        outcome.notes.append("no sha256sum on this system: SHA256SUMS is not checked with it")


def check_bills_of_materials(folder, outcome):
    """Every function has a complete and reproducible bill of materials, in CycloneDX's format."""
    documents = {}
    for processor in functions.PROCESSORS.values():
        for function in functions.names():
            documents[function] = sbom.document(function, processor.target, DIGEST)
            check_completeness(function, documents[function], outcome)
    again = sbom.document(function, processor.target, DIGEST)
    outcome.expect(again == documents[function], "the same sources make the same bill of materials")
    # One of them only: all are made by the same code, and the check takes seconds.
    right, wrong = folder / "right.cdx.json", folder / "wrong.cdx.json"
    right.write_text(json.dumps(documents["saml-acs"]), "utf-8")
    wrong.write_text(json.dumps({**documents["saml-acs"], "components": [{"type": "a thing"}]}), "utf-8")
    errors = violations([right, wrong])
    outcome.expect(not errors[str(right)], "a bill of materials is valid CycloneDX 1.6", errors[str(right)])
    outcome.expect(errors[str(wrong)], "an invalid bill of materials is found")


def violations(bills):
    """Returns the first violation of CycloneDX's schema in each bill of materials, or None."""
    command = [tools.venv("package"), "-I", SBOM_DRIVER, *bills]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise tools.SetupError(f"cannot check the bills of materials:\n{done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def check_completeness(function, document, outcome):
    """Every library is listed with licence and digest, and every dependency between them."""
    components = {component["bom-ref"]: component for component in document["components"]}
    names = {component["name"] for component in components.values()}
    expected = {"aws-lc", "openssl", "tokio", *OURS}
    outcome.expect(expected <= names, f"{function}: its libraries are listed", sorted(names))
    main = document["metadata"]["component"]["name"]
    outcome.expect(main == function, f"{function}: the main component is the function", main)
    excluded = {component["name"] for component in components.values() if component.get("scope") == "excluded"}
    outcome.expect(excluded == {"openssl"}, f"{function}: only openssl is excluded", sorted(excluded))
    not_linked = names & {"askama_macros", "cc", "openssl-src", "dynoxide-rs", "proptest"}
    outcome.expect(not not_linked, f"{function}: no tool of the build or the tests is listed", sorted(not_linked))
    incomplete = [ref for ref, component in components.items() if "licenses" not in component]
    incomplete += [
        ref
        for ref, component in components.items()
        if ref.startswith("pkg:cargo/") and component["name"] not in OURS and "hashes" not in component
    ]
    outcome.expect(not incomplete, f"{function}: licences and digests are listed", ", ".join(incomplete))
    known = {*components, document["metadata"]["component"]["bom-ref"]}
    needed = {need for entry in document["dependencies"] for need in [entry["ref"], *entry["dependsOn"]]}
    outcome.expect(needed == known, f"{function}: dependencies are listed", sorted(needed ^ known))


def check_elf_problems(outcome):
    """An executable that would not start on Lambda is found."""
    fine = {"machine": "EM_AARCH64", "libraries": ["libc.so.6", "ld-linux-aarch64.so.1"], "glibc": [2, 34]}
    outcome.expect(not elf.problems(fine, "EM_AARCH64"), "an executable for Lambda has no problems")
    for key, value in (("machine", "EM_X86_64"), ("libraries", ["libssl.so.3"]), ("glibc", [2, 35])):
        reasons = elf.problems({**fine, key: value}, "EM_AARCH64")
        outcome.expect(len(reasons) == 1, f"an executable with another {key} is refused", reasons)
    shell = str(Path(shutil.which("sh")).resolve())
    if Path(shell).read_bytes()[:4] != b"\x7fELF":
        outcome.notes.append("executables of this system are not ELF files: reading one is not checked")
        return
    found = elf.inspect([shell])[shell]
    outcome.expect(any(name.startswith("libc.") for name in found["libraries"]), "elf.inspect: libraries", found)
    outcome.expect(found["machine"].startswith("EM_"), "elf.inspect: machine", found)
    outcome.expect(found["glibc"] > [2], "elf.inspect: glibc", found)
