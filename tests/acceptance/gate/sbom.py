"""What is compiled into a function, as a software bill of materials: CycloneDX 1.6, JSON.

It holds the crates that the linker was given, with the digests that `Cargo.lock` pins, and the C libraries inside
them, which is where most advisories are. Nothing in it depends on when or where it was made.
"""

import functools
import json
import re
import subprocess
import tomllib
import uuid

from gate import tools

# `name v1.2.3`, then in parentheses where it is and whether it runs in the compiler only.
PACKAGE = re.compile(r"(?P<name>\S+) v(?P<version>\S+)(?P<rest>.*)")
PROC_MACRO = "(proc-macro)"
SHOWN_BEFORE = " (*)"
AWS_LC_VERSION = re.compile(r'#define AWSLC_VERSION_NUMBER_STRING "([^"]+)"')
NAMESPACE = uuid.UUID("8ab8c7f2-53c4-5c3a-9d0f-6d8f3a0a1f6e")


def document(function, target, digest):
    """The bill of materials of a function; `digest` is that of its executable."""
    root, packages, edges = tree(function, target)
    reached = reachable(root, packages, edges)
    checksums = pinned()
    components = {purl: component(purl, packages[purl], checksums) for purl in reached}
    needs = {purl: sorted(edges.get(purl, set()) & reached) for purl in reached}
    for crate, library in native().items():
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
    """Writes it to a file."""
    file.write_text(json.dumps(document(function, target, digest), indent=1) + "\n", "utf-8")


@functools.cache
def tree(function, target):
    """Returns the package of a function, every crate that cargo builds for it, and the dependencies of each crate.

    The package is found by its folder: its name may differ from the name of the function.
    """
    manifest = f"functions/{function}/Cargo.toml"
    command = ["cargo", "tree", "--locked", "--manifest-path", manifest, "--edges", "normal", "--target", target]
    output = cargo([*command, "--prefix", "depth", "--format", "|{p}|{l}|{r}"])
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
    """What ends up in the executable: all but what runs in the compiler only."""
    found, waiting = set(), [root]
    while waiting:
        purl = waiting.pop()
        if purl not in found and PROC_MACRO not in packages[purl]["rest"]:
            found.add(purl)
            waiting += edges.get(purl, ())
    return found


def component(purl, package, checksums):
    """One crate."""
    made = {
        "type": "library",
        "bom-ref": purl,
        "name": package["name"],
        "version": package["version"],
        "purl": purl,
    }
    if package["licence"]:
        # Crates from before 2018 write a slash for OR.
        made["licenses"] = [{"expression": package["licence"].replace("/", " OR ")}]
    if checksum := checksums.get((package["name"], package["version"])):
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


@functools.cache
def pinned():
    """The digest of each crate's archive, which cargo checks before it builds it."""
    lock = tomllib.loads((tools.ROOT / "Cargo.lock").read_text("utf-8"))
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


@functools.cache
def native():
    """The C libraries that are compiled from source, by the crate that links them."""
    packages = json.loads(cargo(["cargo", "metadata", "--locked", "--format-version", "1"]))["packages"]
    crates = {package["name"]: package for package in packages}
    openssl = crates["openssl-src"]["version"].split("+")[1]
    header = tools.ROOT / crates["aws-lc-sys"]["manifest_path"]
    header = header.parent / "aws-lc" / "include" / "openssl" / "base.h"
    aws_lc = AWS_LC_VERSION.search(header.read_text("utf-8"))[1]
    return {
        # samael asks for it, and nothing calls it: none of its algorithms is in an executable.
        "openssl-sys": library("openssl", openssl, "Apache-2.0", "https://github.com/openssl/openssl")
        | {"scope": "excluded"},
        "aws-lc-sys": library("aws-lc", aws_lc, crates["aws-lc-sys"]["license"], "https://github.com/aws/aws-lc"),
    }


def library(name, version, licence, repository):
    """One C library."""
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


def cargo(command):
    """What a cargo command prints."""
    done = subprocess.run(command, cwd=tools.ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise tools.SetupError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()}")
    return done.stdout
