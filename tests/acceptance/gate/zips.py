"""Zips of functions, and their checksums: the same bytes from the same executable, whenever and wherever made."""

import hashlib
import zipfile

# The earliest that a zip can hold: no time at all.
NO_TIME = (1980, 1, 1, 0, 0, 0)
EXECUTABLE = 0o100755
UNIX = 3


def write(bootstrap):
    """Writes the zip of an executable beside it, as Lambda wants it, and returns its path."""
    package = bootstrap.with_name("bootstrap.zip")
    entry = zipfile.ZipInfo("bootstrap", NO_TIME)
    entry.create_system = UNIX
    entry.external_attr = EXECUTABLE << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(entry, bootstrap.read_bytes(), compresslevel=9)
    return package


def sha256(file):
    """The digest of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_checksums(folder, files):
    """Writes `SHA256SUMS`, which `sha256sum --check` reads, of files below the folder."""
    lines = [f"{sha256(file)}  {file.relative_to(folder)}\n" for file in sorted(files)]
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")
