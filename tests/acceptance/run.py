#!/usr/bin/env python3
"""Runs every level of Gatehouse's tests; the last line is `N passed, M failed`.

  run.py                                        everything, as `make test` does
  run.py --only okta --only abuse               some suites
  run.py --only okta --base-url URL --token T   against a running server, whose tenant should be empty

Each suite gets a server process with an empty store, and a new tenant in it. The logs are below target/acceptance/.
Needs Python 3.11 and cargo; installs everything else.
"""

import argparse
import importlib
import subprocess
import sys
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from gate import packaging, rust, tools  # noqa: E402
from gate.report import Outcome, Ticker, print_failures, print_outcome  # noqa: E402
from gate.server import Local, Target  # noqa: E402

# In this order: quick levels that find most come first.
LEVELS = {
    "rust": ("unit, integration and doc tests", rust.test),
    "fuzz": ("fuzz targets", rust.fuzz),
    "packaging": ("packaging of the functions", packaging.test),
}
SCIM = ("okta", "scim_sanity", "scim2_tester", "microsoft", "schemathesis", "abuse")
# These start a browser, and need a server that they can configure.
SIGN_IN = ("sign_in_demo", "sign_in_simplesamlphp", "sign_in_samlp", "sign_in_apps", "sign_in_samples")
# The release takes longest to build, and the last suite runs what the release has built.
SUITES = (*SCIM, "operator_api", "directory_api", "events", *SIGN_IN, "release", "lambda_runtime")


def main():
    """Runs the chosen levels and suites; the exit code is 1 if anything failed or did not run."""
    arguments = parse()
    chosen = arguments.only or [*LEVELS, *SUITES]
    if arguments.base_url:
        chosen = [name for name in chosen if name in SCIM]
    print("Gatehouse tests\n", flush=True)
    outcomes = [run_level(name) for name in LEVELS if name in chosen]
    suites = [name for name in SUITES if name in chosen]
    if suites:
        outcomes += run_suites(suites, arguments)
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    print_failures(outcomes)
    print(f"\n{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


def parse():
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = (*LEVELS, *SUITES)
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help="one of: " + ", ".join(names))
    parser.add_argument("--base-url", help="SCIM base URL of a running server, e.g. http://127.0.0.1:7400/scim/v2")
    parser.add_argument("--token", help="a SCIM token of that server")
    arguments = parser.parse_args()
    if bool(arguments.base_url) != bool(arguments.token):
        parser.error("--base-url and --token require each other")
    return arguments


def run_level(name):
    """Runs one level that needs no server."""
    label, work = LEVELS[name]
    log = tools.WORK / name / "output.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    return run_timed(label, log, lambda: work(log))


def run_suites(names, arguments):
    """Runs suites against the server of the command line, or each against a new server."""
    if arguments.base_url:
        given = Target(arguments.base_url, arguments.token)
        return [run_suite(name, lambda module, folder: run_on_target(module, given, folder)) for name in names]
    try:
        binary = rust.build_server(tools.WORK / "build.log")
    except tools.SetupError as error:
        outcome = Outcome.did_not_run(str(error))
        outcome.failed = len(names)
        outcome.label = "server"
        print_outcome(outcome.label, outcome, 0, tools.WORK / "build.log")
        return [outcome]
    return [run_suite(name, lambda module, folder: run_on_new_server(binary, module, folder)) for name in names]


def run_suite(name, work):
    """Runs one suite and prints its line."""
    module = importlib.import_module("suites." + name)
    folder = tools.WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    return run_timed(module.LABEL, folder / "output.log", lambda: work(module, folder))


def run_on_new_server(binary, module, folder):
    """Runs one suite on a new tenant of a new server. It is a failure if the server stops during the suite."""
    prepared = module.prepare()
    with Local(binary, folder) as local:
        outcome = module.run(prepared, local.create_tenant(module.LABEL), folder)
        if local.died():
            outcome.add_failure(local.died())
    return outcome


def run_on_target(module, target, folder):
    """Runs one suite on a given tenant."""
    return module.run(module.prepare(), target, folder)


def run_timed(label, log, work):
    """Runs `work` and prints its line; an exception is a failure of this line only."""
    with Ticker(label, log) as ticker:
        try:
            outcome = work()
        except tools.SetupError as error:
            outcome = Outcome.did_not_run(str(error))
        except subprocess.TimeoutExpired as error:
            outcome = Outcome.did_not_run(f"not finished after {error.timeout:.0f} s")
        except Exception:
            outcome = Outcome.did_not_run(traceback.format_exc(limit=-4))
    outcome.label = label
    print_outcome(label, outcome, ticker.seconds(), log)
    return outcome


if __name__ == "__main__":
    main()
