"""Validates bills of materials with CycloneDX's schema; prints the first violation of each as JSON.

Run with `python -I`, so that no file in this folder shadows the packages that it imports.
"""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def verdict(path):
    """Returns the first violation of the schema, or None."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return error and str(error)[:1000]


json.dump({path: verdict(path) for path in sys.argv[1:]}, sys.stdout)
