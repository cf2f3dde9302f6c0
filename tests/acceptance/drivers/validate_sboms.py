"""Holds bills of materials against CycloneDX's own schema; prints as JSON what is wrong with each.

Started with `python -I`, so that nothing beside this file can shadow the packages it imports.
"""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def verdict(path):
    """The first violation of the schema, or nothing."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return error and str(error)[:1000]


json.dump({path: verdict(path) for path in sys.argv[1:]}, sys.stdout)
