"""Runs Microsoft's Postman collection for SCIM servers with newman: 107 assertions about requests like Entra ID's.

`data/microsoft-exceptions.json` lists every assertion that Gatehouse fails, with the reason. Any other failure fails
the suite, and so does an exception that passes.
"""

import json
import subprocess
import urllib.parse

from gate import tools
from gate.report import Outcome

LABEL = "Microsoft's collection (newman)"
COLLECTION = tools.HERE / "data" / "microsoft-collection.json"
EXCEPTIONS = tools.HERE / "data" / "microsoft-exceptions.json"
# It requests a token from Microsoft's sample server; our tokens come from the operator API.
OMITTED_FOLDER = "Get Token"
ASSERTIONS = 107
LIMIT_SECONDS = 300


def prepare():
    """Installs newman."""
    return tools.node_modules("newman") / ".bin" / "newman"


def run(newman, target, folder):
    """Runs the collection and compares its failures with the exceptions."""
    collection = json.loads(COLLECTION.read_text("utf-8"))
    collection["item"] = [item for item in collection["item"] if item["name"] != OMITTED_FOLDER]
    chosen, report = folder / "collection.json", folder / "report.json"
    chosen.write_text(json.dumps(collection), "utf-8")
    report.unlink(missing_ok=True)
    log = folder / "output.log"
    with open(log, "wb") as out:
        subprocess.run(
            [newman, "run", chosen, *variables(target), "--timeout-request", "15000"]
            + ["--reporters", "cli,json", "--reporter-json-export", report, "--color", "off"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    if not report.exists():
        return Outcome.did_not_run(tools.tail(log, 8))
    executions = json.loads(report.read_text("utf-8"))["run"]["executions"]
    return judge(assertions(collection, executions), json.loads(EXCEPTIONS.read_text("utf-8")))


def variables(target):
    """Returns the options that set the variables of the collection."""
    url = urllib.parse.urlsplit(target.base_url)
    values = {
        "Protocol": url.scheme,
        "Server": url.hostname,
        "Port": f":{url.port}" if url.port else "",
        "Api": url.path.strip("/"),
        "token": target.token,
    }
    named = [f"{name}={value}" for name, value in values.items()]
    return [part for pair in named for part in ("--env-var", pair)] + ["--global-var", named[-1]]


def assertions(collection, executions):
    """Yields every assertion in order: (`folder / request / assertion`, its error or None)."""
    folders = {}
    for folder in collection["item"]:
        for item in folder.get("item", []):
            folders[item.get("id") or item["name"]] = folder["name"]
    for execution in executions:
        item = execution["item"]
        folder = folders.get(item.get("id")) or folders.get(item["name"])
        for assertion in execution.get("assertions", []):
            name = " / ".join(part for part in (folder, item["name"], assertion["assertion"]) if part)
            yield name, assertion.get("error")


def judge(results, exceptions):
    """Counts the assertions: only the listed exceptions may fail, and each of them must."""
    outcome, expected = Outcome(), {entry["assertion"]: entry["reason"] for entry in exceptions}
    seen, excused = 0, 0
    for name, error in results:
        seen += 1
        if name in expected and error:
            del expected[name]
            excused += 1
        else:
            outcome.expect(not error, name, error and error["message"])
    for name in expected:
        outcome.add_failure(f"{name}: passes or does not exist; remove it from the exceptions")
    if seen != ASSERTIONS:
        outcome.add_failure(f"{seen} assertions ran, the collection has {ASSERTIONS}")
    outcome.notes.append(f"{excused} of {seen} are exceptions, see data/{EXCEPTIONS.name}")
    return outcome
