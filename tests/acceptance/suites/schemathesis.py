"""schemathesis: requests generated from the server's own description of itself, and links between them."""

import json
import re
import subprocess

from gate import tools
from gate.report import Outcome
from gate.wire import Client

from suites import openapi

LABEL = "schemathesis 4.32.5"
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance")
# One seed, so that a failure is seen again; the cases change whenever the schemas do.
SEED = "7643"
CASES = "60"
# Without resources, everything behind an id would only ever answer 404.
MUST_ACCEPT = ("POST /Users", "POST /Groups")
LIMIT_SECONDS = 600


def prepare():
    """Installs the suite."""
    return tools.venv("schemathesis").parent / "schemathesis"


def run(program, target, folder):
    """Runs every phase."""
    document = openapi.document(Client(target))
    return generate(program, document, target.base_url, target.token, folder, CHECKS, CASES, MUST_ACCEPT)


def generate(program, document, base_url, token, folder, checks, cases, must_accept=None):
    """Requests from an OpenAPI document; each generated case that passed its checks counts once. Of every operation,
    or of those that must, some have to be accepted."""
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
    """Counts generated cases; a distinct failure counts once, with its request as a curl command."""
    cases = report["test_cases"]
    outcome = Outcome(passed=cases["generated"] - cases["with_failures"] - cases["errored"])
    for failure in re.split(r"\n_{10,} ", output)[1:] if cases["with_failures"] else []:
        outcome.notes.append(failure.split("\n=====")[0][:1500])
    for _ in range(cases["unique_failures"]):
        outcome.bad("see above")
    for error in report["errors"]:
        outcome.bad(str(error)[:500])
    for operation, rate in report["valid_rates"].items():
        accepted = sum(phase["accepted"] for phase in rate.values())
        if (must_accept is None or operation in must_accept) and not accepted:
            outcome.bad(f"{operation}: none of the generated requests was accepted, so nothing behind it was tested")
    if not report["complete"] or not outcome.passed:
        outcome.bad(f"stopped early: {report['stop_reason']}")
    return outcome
