"""The functions as Lambda runs them: events of API Gateway in, AWS calls out.

The executables that are deployed run behind `cargo lambda watch`, which plays API Gateway and Lambda: connector
traces, scim-sanity, sign-in in Chromium, and an operator who uses every route. Then what each function did is compared
with what its role allows. Last comes `make watch`, which compiles them for a developer.
"""

import urllib.request

from gate import functions as deployed
from gate import operator_walk, roles, rust, sign_in, tools
from gate.aws_recorder import Recorder
from gate.identity_providers import Samlp, prepare_browser
from gate.lambda_runtime import START_SECONDS, Functions
from gate.packed import Packed
from gate.report import Outcome
from gate.wire import Client
from package import build

from suites import scim_sanity

LABEL = "Lambda runtime: cargo lambda watch"
# Nothing changes here, and the rest of the tests writes files.
WATCH = "--ignore-changes"


def prepare():
    """Installs everything and builds the functions: those that are deployed, and what `make watch` is asked for."""
    tools.venv("cargo-lambda")
    log = tools.WORK / "build.log"
    processor = deployed.of_this_machine()
    if processor:
        build(processor, deployed.names(), log)
    rust.build_functions(("admin", "scim") if processor else deployed.names(), log)
    return processor, scim_sanity.prepare(), prepare_browser(), roles.template()


def run(prepared, target, folder):
    """Runs all of it against the AWS services of the target's server, whose own routers serve nothing here."""
    processor, *installed, template = prepared
    recorder = Recorder(target.local.ready["aws"])
    outcome = Outcome()
    with recorder as aws:
        if processor:
            served = Packed(processor, aws, folder)
        else:
            served = Functions(aws, folder, WATCH)
            outcome.notes.append("builds of `make watch`: this system runs no executable for Lambda")
        with served as functions:
            recorder.upstream["lambda"] = functions.ready["base_url"]
            try:
                everything(installed, functions, recorder, folder, outcome)
            except Exception:
                # Whoever waits for a function that dies hears of it in some way or other.
                if not functions.died():
                    raise
            if functions.died():
                outcome.bad(functions.died())
                return outcome
            seen = sorted(" ".join(use) for use in recorder.uses)
            (folder / "uses.txt").write_text("\n".join(seen) + "\n", "utf-8")
            known = roles.Roles(template, recorder.table)
            problems = known.compare(recorder.uses) + known.compare_partitions(recorder.partitions)
            outcome.expect(not problems, "each role allows what its function does, and no more", "\n".join(problems))
            if processor:
                part(outcome, folder, "death", lambda _: death(functions))
        part(outcome, folder, "make watch", lambda inside: make_watch(aws, inside))
    return outcome


def part(outcome, folder, name, work):
    """Adds one part's outcome to that of the suite."""
    inside = folder / name.replace(" ", "-")
    inside.mkdir(exist_ok=True)
    found = work(inside)
    outcome.passed += found.passed
    outcome.failed += found.failed
    outcome.problems += [f"{name}: {problem}" for problem in found.problems]
    outcome.notes.append(f"{name}: {found.passed} passed")


def everything(installed, functions, recorder, folder, outcome):
    """All that the functions are asked."""
    sanity, browser = installed
    secrets_manager = recorder.upstream["secretsmanager"]
    people = functions.new_tenant("sign-in")
    parts = {
        "keys": lambda _: operator_walk.before_any_sign_in(functions, secrets_manager),
        "connector traces": lambda inside: traces(functions, inside),
        "scim-sanity": lambda inside: scim_sanity.run(sanity, functions.new_tenant("scim-sanity"), inside),
        "sign-in": lambda inside: sign_in_with_samlp(browser, people, inside),
        "operator": lambda _: operator_walk.everything(functions, people.tenant),
        "deployment check": lambda _: deployment_check(functions, recorder),
    }
    for name, work in parts.items():
        part(outcome, folder, name, work)


def deployment_check(functions, recorder):
    """The check of a new version, as CodeDeploy invokes it; it invokes the others as it does on AWS."""
    outcome = Outcome()
    answer = functions.invoke("pretraffic", {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"})
    outcome.expect(answer == {"passed": True}, "the functions pass", str(answer))
    report = {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "e-1", "status": "Succeeded"}
    outcome.expect(recorder.reports == [report], "CodeDeploy hears of it", str(recorder.reports))
    return outcome


def traces(functions, folder):
    """What connectors send, replayed by the Rust tests."""
    log = folder / "output.log"
    log.unlink(missing_ok=True)
    return rust.traces(functions.ready["scim"]["base_url"], functions.new_tenant("traces").token, log)


def sign_in_with_samlp(browser, target, folder):
    """Two ways to sign and encrypt; a person in two tabs, whom a group and an app know for longer."""
    names = ("both signed", "response signed, assertion encrypted")
    stays = {"steps": ["again", "tabs", "group", "refresh", "replay"]}
    grace = {"person": "grace", "claims": sign_in.GRACE, "steps": ["deactivate"]}
    wanted = sign_in.VARIANTS["assertion signed"]
    more = [("who stays", wanted, stays), ("who leaves", wanted, {**grace, "tenant": target.tenant})]
    with Samlp(folder) as idp:
        variants = {name: sign_in.VARIANTS[name] for name in names}
        return sign_in.with_identity_provider(idp, browser, target, folder, more, variants, sign_requests=True)


def death(functions):
    """A function that ends would be found: a panic ends it, whether or not it is logged."""
    outcome = Outcome()
    functions.abort("saml-metadata")
    said = functions.died() or "nothing"
    outcome.expect(said.startswith("the function saml-metadata ended with code -6"), "it is found", said)
    try:
        urllib.request.urlopen(functions.ready["base_url"] + "/saml/metadata/acme.org", timeout=START_SECONDS).close()
        outcome.bad("who asks it is answered")
    except TimeoutError:
        outcome.bad("who asks it waits")
    except OSError:
        outcome.ok()
    return outcome


def make_watch(aws, folder):
    """It starts; one request of an identity provider and two of an operator pass; it stops when a developer says so."""
    outcome = Outcome()
    with Functions(aws, folder, WATCH) as functions:
        tenant = functions.new_tenant("make watch")
        answer = Client(tenant, timeout=START_SECONDS).call("GET", "/Users")
        empty = answer.status == 200 and answer.json().get("totalResults") == 0
        outcome.expect(empty, "a new tenant has no users", answer.brief())
        outcome.expect(not functions.died(), "the functions live", functions.died())
        outcome.expect(functions.interrupt(), "Ctrl-C stops it")
    return outcome
