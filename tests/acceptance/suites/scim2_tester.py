"""Runs scim2-tester: discovery, models built from our /Schemas, CRUD and PATCH of every attribute."""

import json
import subprocess

from gate import tools
from gate.report import Outcome

LABEL = "scim2-tester 0.5.2"
DRIVER = tools.HERE / "drivers" / "run_scim2_tester.py"
LIMIT_SECONDS = 300


def prepare():
    """Installs scim2-tester."""
    return tools.venv("scim2-tester")


def run(python, target, folder):
    """Runs every check; a deviation from the RFC counts as a failure."""
    log = folder / "output.log"
    with open(log, "wb") as err:
        done = subprocess.run(
            [python, "-I", DRIVER, target.base_url, target.token],
            stdout=subprocess.PIPE,
            stderr=err,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        return Outcome.did_not_run(tools.tail(log, 8))
    results = json.loads(done.stdout)
    log.write_text(json.dumps(results, indent=1))
    outcome = Outcome()
    for result in results:
        if result["verdict"] == "passed":
            outcome.add_pass()
        elif result["verdict"] == "failed":
            outcome.add_failure(f"{result['resource'] or 'server'}: {result['title']}: {result['reason']}")
        else:
            outcome.notes.append(f"skipped by the suite: {result['title']}: {result['reason']}")
    return outcome
