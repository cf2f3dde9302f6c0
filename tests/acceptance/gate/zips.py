"""Writes the zips of functions and their checksums. The same executable always gives the same bytes."""

import hashlib
import zipfile

# The earliest time that a zip can hold; the time of the build would change the bytes.
TIME = (1980, 1, 1, 0, 0, 0)
EXECUTABLE = 0o100755
UNIX = 3


def write(bootstrap):
    """Writes the zip that Lambda expects beside an executable; returns its path."""
    package = bootstrap.with_name("bootstrap.zip")
    entry = zipfile.ZipInfo("bootstrap", TIME)
    entry.create_system = UNIX
    entry.external_attr = EXECUTABLE << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(entry, bootstrap.read_bytes(), compresslevel=9)
    return package


def sha256(file):
    """Returns the digest of a file in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_checksums(folder, files):
    """Writes `SHA256SUMS` for files below the folder, in the format that `sha256sum --check` reads."""
    lines = [f"{sha256(file)}  {file.relative_to(folder)}\n" for file in sorted(files)]
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")
