"""Runs schemathesis: requests generated from the server's discovery endpoints, and links between them."""

import json
import re
import subprocess

from gate import tools
from gate.http_client import Client
from gate.report import Outcome

from suites import openapi

LABEL = "schemathesis 4.32.5"
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance")
# A fixed seed, so that a failure can be repeated. Other schemas give other requests.
SEED = "7643"
CASES = "60"
# If no resource is created, every request with an id gets a 404.
MUST_ACCEPT = ("POST /Users", "POST /Groups")
LIMIT_SECONDS = 600


def prepare():
    """Installs schemathesis."""
    return tools.venv("schemathesis").parent / "schemathesis"


def run(program, target, folder):
    """Runs every phase."""
    document = openapi.document(Client(target))
    return generate(program, document, target.base_url, target.token, folder, CHECKS, CASES, MUST_ACCEPT)


def generate(program, document, base_url, token, folder, checks, cases, must_accept=None):
    """Sends requests generated from an OpenAPI document.

    Each request that passes its checks counts once. The server has to accept some requests of every operation, or of
    the operations in `must_accept`.
    """
    description, report, log = folder / "openapi.json", folder / "report.json", folder / "output.log"
    description.write_text(json.dumps(document, indent=1), "utf-8")
    report.unlink(missing_ok=True)
    with open(log, "wb") as out:
        subprocess.run(
            [program, "run", description, "--url", base_url, "--header", f"Authorization: Bearer {token}"]
            + ["--checks", ",".join(checks), "--seed", SEED, "--max-examples", cases]
            + ["--continue-on-failure", "--no-color"]
            + ["--request-timeout", "10", "--warnings", "off", "--report", "json", "--report-json-path", report],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    if not report.exists():
        return Outcome.did_not_run(tools.tail(log, 12))
    return judge(json.loads(report.read_text("utf-8")), log.read_text("utf-8", "replace"), must_accept)


def judge(report, output, must_accept):
    """Counts the generated requests; each distinct failure counts once, and its note has the request for curl."""
    cases = report["test_cases"]
    outcome = Outcome(passed=cases["generated"] - cases["with_failures"] - cases["errored"])
    for failure in re.split(r"\n_{10,} ", output)[1:] if cases["with_failures"] else []:
        outcome.notes.append(failure.split("\n=====")[0][:1500])
    for _ in range(cases["unique_failures"]):
        outcome.add_failure("see above")
    for error in report["errors"]:
        outcome.add_failure(str(error)[:500])
    for operation, rate in report["valid_rates"].items():
        accepted = sum(phase["accepted"] for phase in rate.values())
        if (must_accept is None or operation in must_accept) and not accepted:
            outcome.add_failure(f"{operation}: the server accepted no generated request")
    if not report["complete"] or not outcome.passed:
        outcome.add_failure(f"stopped early: {report['stop_reason']}")
    return outcome
