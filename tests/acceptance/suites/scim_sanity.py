"""Runs scim-sanity in strict mode: lifecycle, Location, content type, paging, errors."""

import json
import subprocess

from gate import tools
from gate.report import Outcome

LABEL = "scim-sanity 0.7.4, strict"
LIMIT_SECONDS = 300


def prepare():
    """Installs scim-sanity."""
    return tools.venv("scim-sanity").parent / "scim-sanity"


def run(program, target, folder):
    """Probes the server; a warning counts as a failure."""
    log = folder / "output.log"
    with open(log, "wb") as err:
        done = subprocess.run(
            [program, "probe", target.base_url, "--token", target.token]
            + ["--strict", "--i-accept-side-effects", "--json-output"],
            stdout=subprocess.PIPE,
            stderr=err,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    with open(log, "ab") as out:
        out.write(done.stdout)
    try:
        results = json.loads(done.stdout)["results"]
    except (ValueError, KeyError):
        return Outcome.did_not_run(tools.tail(log, 8))
    outcome = Outcome()
    for result in results:
        if result["status"] == "pass":
            outcome.add_pass()
        elif result["status"] == "skip":
            outcome.notes.append(f"skipped by the suite: {result['name']}")
        else:
            outcome.add_failure(f"{result['phase']}: {result['name']}: {result['message']}")
    return outcome
