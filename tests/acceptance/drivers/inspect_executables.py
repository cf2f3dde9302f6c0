"""Prints as JSON which machine, libraries and version of glibc executables need.

Run with `python -I`, so that no file in this folder shadows the packages that it imports.
"""

import json
import re
import sys

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

GLIBC = re.compile(r"GLIBC_(\d+(?:\.\d+)+)")


def inspect(path):
    """Returns the machine, the shared libraries, and the newest version of glibc that a symbol needs."""
    with open(path, "rb") as file:
        elf = ELFFile(file)
        libraries, versions = [], [(0,)]
        for section in elf.iter_sections():
            if isinstance(section, DynamicSection):
                libraries += [tag.needed for tag in section.iter_tags("DT_NEEDED")]
            elif isinstance(section, GNUVerNeedSection):
                names = [version.name for _, needed in section.iter_versions() for version in needed]
                versions += [tuple(map(int, found[1].split("."))) for name in names if (found := GLIBC.fullmatch(name))]
        return {"machine": elf["e_machine"], "libraries": libraries, "glibc": max(versions)}


json.dump({path: inspect(path) for path in sys.argv[1:]}, sys.stdout)
