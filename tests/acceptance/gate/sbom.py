"""Writes the software bill of materials of a function: CycloneDX 1.6, JSON.

It lists the crates that are linked, with their digests from `Cargo.lock`, and the C libraries inside them, which have
most of the advisories. The same sources and executable always give the same document. `cargo-cyclonedx` does not
replace this module: it knows packages, but neither their C libraries nor the executable that was built from them.
"""

import functools
import json
import re
import subprocess
import tomllib
import uuid

from gate import tools

# `name v1.2.3`, then in parentheses its folder and whether it is a procedural macro.
PACKAGE = re.compile(r"(?P<name>\S+) v(?P<version>\S+)(?P<rest>.*)")
PROC_MACRO = "(proc-macro)"
SHOWN_BEFORE = " (*)"
AWS_LC_VERSION = re.compile(r'#define AWSLC_VERSION_NUMBER_STRING "([^"]+)"')
NAMESPACE = uuid.UUID("8ab8c7f2-53c4-5c3a-9d0f-6d8f3a0a1f6e")


def document(function, target, digest):
    """Returns the bill of materials of a function, whose executable has this digest."""
    root, packages, edges = tree(function, target)
    reached = reachable(root, packages, edges)
    digests = crate_digests()
    components = {purl: component(purl, packages[purl], digests) for purl in reached}
    needs = {purl: sorted(edges.get(purl, set()) & reached) for purl in reached}
    for crate, library in c_libraries().items():
        for purl in [purl for purl in reached if packages[purl]["name"] == crate]:
            components[library["bom-ref"]] = library
            needs[purl] = sorted([*needs[purl], library["bom-ref"]])
            needs[library["bom-ref"]] = []
    main = components.pop(root)
    main.update(type="application", name=function, hashes=[{"alg": "SHA-256", "content": digest}])
    main["properties"] = [{"name": "gatehouse:target", "value": target}]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(NAMESPACE, f"{function} {target} {digest}").urn,
        "version": 1,
        "metadata": {"component": main},
        "components": [components[purl] for purl in sorted(components)],
        "dependencies": [{"ref": purl, "dependsOn": needs[purl]} for purl in sorted(needs)],
    }


def write(file, function, target, digest):
    """Writes the bill of materials of a function to a file."""
    file.write_text(json.dumps(document(function, target, digest), indent=1) + "\n", "utf-8")


@functools.cache
def tree(function, target):
    """Returns the package of a function, every crate that cargo builds for it, and the dependencies of each crate.

    The package is found by its folder: its name may differ from the name of the function.
    """
    manifest = f"functions/{function}/Cargo.toml"
    command = ["cargo", "tree", "--locked", "--manifest-path", manifest, "--edges", "normal", "--target", target]
    output = run_cargo([*command, "--prefix", "depth", "--format", "|{p}|{l}|{r}"])
    packages, edges, path = {}, {}, []
    for line in output.splitlines():
        depth, found, licence, repository = line.removesuffix(SHOWN_BEFORE).split("|")
        package = PACKAGE.fullmatch(found).groupdict()
        package |= {"licence": licence, "repository": repository}
        purl = f"pkg:cargo/{package['name']}@{package['version'].replace('+', '%2B')}"
        packages[purl] = package
        del path[int(depth) :]
        if path:
            edges.setdefault(path[-1], set()).add(purl)
        path.append(purl)
    return path[0], packages, edges


def reachable(root, packages, edges):
    """Returns the crates in the executable: all but procedural macros and the crates that only these need."""
    found, waiting = set(), [root]
    while waiting:
        purl = waiting.pop()
        if purl not in found and PROC_MACRO not in packages[purl]["rest"]:
            found.add(purl)
            waiting += edges.get(purl, ())
    return found


def component(purl, package, digests):
    """Returns the component of one crate."""
    described = {
        "type": "library",
        "bom-ref": purl,
        "name": package["name"],
        "version": package["version"],
        "purl": purl,
    }
    if package["licence"]:
        # Crates from before 2018 write a slash for OR.
        described["licenses"] = [{"expression": package["licence"].replace("/", " OR ")}]
    if digest := digests.get((package["name"], package["version"])):
        described["hashes"] = [{"alg": "SHA-256", "content": digest}]
    if package["repository"]:
        described["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return described


@functools.cache
def crate_digests():
    """Returns the digest of each crate's archive, by name and version. Cargo checks it before a build."""
    lock = tomllib.loads((tools.ROOT / "Cargo.lock").read_text("utf-8"))
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


@functools.cache
def c_libraries():
    """Returns the component of each C library that is built from source, by the crate that links it."""
    packages = json.loads(run_cargo(["cargo", "metadata", "--locked", "--format-version", "1"]))["packages"]
    crates = {package["name"]: package for package in packages}
    openssl = crates["openssl-src"]["version"].split("+")[1]
    header = tools.ROOT / crates["aws-lc-sys"]["manifest_path"]
    header = header.parent / "aws-lc" / "include" / "openssl" / "base.h"
    aws_lc = AWS_LC_VERSION.search(header.read_text("utf-8"))[1]
    return {
        # samael requires it, but no function calls it: no code of it is in an executable.
        "openssl-sys": c_library("openssl", openssl, "Apache-2.0", "https://github.com/openssl/openssl")
        | {"scope": "excluded"},
        "aws-lc-sys": c_library("aws-lc", aws_lc, crates["aws-lc-sys"]["license"], "https://github.com/aws/aws-lc"),
    }


def c_library(name, version, licence, repository):
    """Returns the component of one C library."""
    purl = f"pkg:generic/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "licenses": [{"expression": licence}],
        "externalReferences": [{"type": "vcs", "url": repository}],
    }


def run_cargo(command):
    """Returns the output of a cargo command."""
    done = subprocess.run(command, cwd=tools.ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise tools.SetupError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()}")
    return done.stdout
