"""Runs scim2-tester in its virtual environment and prints its verdicts as JSON.

Run with `python -I`, so that no file in this folder shadows the packages that it imports.
"""

import json
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

FINE = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


def verdict(result):
    """Returns the result of one check as plain data."""
    kind = "passed" if result.status in FINE else "failed"
    if result.status is Status.SKIPPED:
        kind = "skipped"
    return {
        "verdict": kind,
        "status": result.status.name,
        "title": result.title,
        "resource": result.resource_type,
        "reason": result.reason,
        "data": None if result.data is None else str(result.data)[:2000],
    }


base_url, token = sys.argv[1:]
http = Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=15)
print(json.dumps([verdict(result) for result in check_server(SyncSCIMClient(http))]))
