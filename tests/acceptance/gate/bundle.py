"""Packs a bundle: the zips of one processor with a template that names them, to deploy without a build."""

import gzip
import re
import shutil
import tarfile

from gate import functions, tools, zips

VERSION = re.compile(r"^    SemanticVersion: (\S+)$", re.M)
ARCHITECTURE = "    Default: arm64\n    AllowedValues: [arm64, x86_64]\n"
# The build method of a function up to its code. A comment about the sources is removed with them.
BUILD = re.compile(
    r"      BuildMethod: rust-cargolambda\n      BuildProperties: \{Binary: (?P<name>[a-z-]+)\}\n"
    r"(?P<between>.*?)(?:      #[^\n]*\n)?      CodeUri: \.\n",
    re.S,
)
# Parts of a build that may not be left in the template of a bundle.
BUILD_PARTS = ("rust-cargolambda", "CodeUri: .\n")
# The template names the first two; `samconfig.toml` has the stages; both licences go with the executables.
OTHER_FILES = ("LICENSE-APACHE", "README.md", "samconfig.toml", "LICENSE-MIT")


def template(text, processor):
    """Returns the template with zips in place of sources. It is edited as text to keep its comments."""
    if text.count(ARCHITECTURE) != 1:
        raise tools.SetupError("the parameter Architecture of the template is not the one that a bundle replaces")
    one = f"    Default: {processor.name}\n    AllowedValues: [{processor.name}]\n"
    text = text.replace(ARCHITECTURE, one)
    replaced = sorted(found["name"] for found in BUILD.finditer(text))
    text = BUILD.sub(lambda found: f"{found['between']}      CodeUri: {found['name']}/bootstrap.zip\n", text)
    if replaced != functions.names() or any(part in text for part in BUILD_PARTS):
        raise tools.SetupError(f"the template builds some functions in another way than these: {replaced}")
    return text


def write(folder, processor):
    """Writes the template and the other files beside the folders of the functions; returns their paths."""
    target = folder / "template.yaml"
    target.write_text(template(functions.TEMPLATE.read_text("utf-8"), processor), "utf-8")
    return [target, *(shutil.copyfile(tools.ROOT / name, folder / name) for name in OTHER_FILES)]


def pack(folder, processor, files):
    """Packs files of the folder and their checksums into an archive beside it; returns its path.

    The same files always give the same bytes.
    """
    zips.write_checksums(folder, files)
    version = VERSION.search(functions.TEMPLATE.read_text("utf-8"))[1]
    name = f"gatehouse-{version}-{processor.name}"
    archive = folder.with_name(f"{name}.tar.gz")
    with (
        archive.open("wb") as out,
        gzip.GzipFile("", "wb", fileobj=out, mtime=0) as packed,
        tarfile.open(mode="w", fileobj=packed, format=tarfile.USTAR_FORMAT) as tar,
    ):
        for file in sorted([*files, folder / "SHA256SUMS"]):
            entry = tarfile.TarInfo(f"{name}/{file.relative_to(folder)}")
            entry.size = file.stat().st_size
            with file.open("rb") as content:
                tar.addfile(entry, content)
    return archive
