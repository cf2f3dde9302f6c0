"""What is deployed without Rust and without a build: the zips of one processor, with a template that names them."""

import gzip
import re
import shutil
import tarfile

from gate import functions, tools, zips

VERSION = re.compile(r"^    SemanticVersion: (\S+)$", re.M)
ARCHITECTURE = "    Default: arm64\n    AllowedValues: [arm64, x86_64]\n"
# How a function is built, what follows up to its code, and the code. A comment about sources goes with them.
BUILT = re.compile(
    r"      BuildMethod: rust-cargolambda\n      BuildProperties: \{Binary: (?P<name>[a-z-]+)\}\n"
    r"(?P<between>.*?)(?:      #[^\n]*\n)?      CodeUri: \.\n",
    re.S,
)
LEFT_OVER = ("rust-cargolambda", "CodeUri: .\n")
# The template names the first two, the stages are in the third, and executables come with their licences.
BESIDE = ("LICENSE-APACHE", "README.md", "samconfig.toml", "LICENSE-MIT")


def template(text, processor):
    """The text of our template, with zips for sources. It is edited as text, so that its comments stay."""
    if text.count(ARCHITECTURE) != 1:
        raise tools.SetupError("the template has not the parameter Architecture that a bundle changes")
    one = f"    Default: {processor.name}\n    AllowedValues: [{processor.name}]\n"
    text = text.replace(ARCHITECTURE, one)
    named = sorted(found["name"] for found in BUILT.finditer(text))
    text = BUILT.sub(lambda found: f"{found['between']}      CodeUri: {found['name']}/bootstrap.zip\n", text)
    if named != functions.names() or any(part in text for part in LEFT_OVER):
        raise tools.SetupError(f"the template builds its functions in a way that a bundle does not know: {named}")
    return text


def write(folder, processor):
    """Puts the template, and the files that go with it, beside the folders of the functions; returns their paths."""
    target = folder / "template.yaml"
    target.write_text(template(functions.TEMPLATE.read_text("utf-8"), processor), "utf-8")
    return [target, *(shutil.copyfile(tools.ROOT / name, folder / name) for name in BESIDE)]


def pack(folder, processor, files):
    """Writes files of the folder, with checksums, into one archive beside it: the same bytes from the same files."""
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
