"""Runs the packaged functions with events of API Gateway, and compares their AWS calls with their roles.

`cargo lambda watch` emulates API Gateway and Lambda. The suite replays the connector traces, runs scim-sanity, signs in
with Chromium and calls every route of the operator API. Then it compares the calls of each function with the
permissions of its role. At the end it runs `make watch`, which compiles the functions for a developer.
"""

import html
import re
import urllib.parse
import urllib.request

from gate import functions as deployed
from gate import operator_scenario, roles, rust, sign_in, tools
from gate.aws_recorder import Recorder
from gate.http_client import Client
from gate.identity_providers import Samlp, prepare_browser
from gate.lambda_runtime import START_SECONDS, Functions
from gate.packaged_functions import PackagedFunctions
from gate.report import Outcome
from package import build

from suites import scim_sanity

LABEL = "Lambda runtime: cargo lambda watch"
# Users that are created to have events.
CHANGES = 10
# The tests write files, which must not make cargo-lambda compile again.
IGNORE_CHANGES = "--ignore-changes"


def prepare():
    """Installs the tools; builds the packaged functions, and in debug mode those that `make watch` will run."""
    tools.venv("cargo-lambda")
    log = tools.WORK / "build.log"
    processor = deployed.of_this_machine()
    if processor:
        build(processor, deployed.names(), log)
    rust.build_functions(("admin", "scim") if processor else deployed.names(), log)
    return processor, scim_sanity.prepare(), prepare_browser(), roles.template()


def run(prepared, target, folder):
    """Runs all parts with the AWS services of the target's server; the routers of that server are not used."""
    processor, *installed, template = prepared
    recorder = Recorder(target.local.ready["aws"])
    outcome = Outcome()
    with recorder as aws:
        if processor:
            running = PackagedFunctions(processor, aws, folder)
        else:
            running = Functions(aws, folder, IGNORE_CHANGES)
            outcome.notes.append("debug builds: this system does not run executables for Lambda")
        with running as functions:
            recorder.upstream["lambda"] = functions.ready["base_url"]
            try:
                run_parts(installed, functions, recorder, folder, outcome)
            except Exception:
                # The end of a function can appear as any error of a client; report the function instead.
                if not functions.died():
                    raise
            if functions.died():
                outcome.add_failure(functions.died())
                return outcome
            uses = sorted(" ".join(use) for use in recorder.uses)
            (folder / "uses.txt").write_text("\n".join(uses) + "\n", "utf-8")
            known = roles.Roles(template, recorder.table)
            problems = known.compare(recorder.uses) + known.compare_partitions(recorder.partitions, recorder.writes)
            problems += known.compare_writes(recorder.writes)
            outcome.expect(not problems, "each role grants exactly what its function uses", "\n".join(problems))
            if processor:
                run_part(outcome, folder, "abort", lambda _: abort_function(functions))
        run_part(outcome, folder, "make watch", lambda inside: run_make_watch(aws, inside))
    return outcome


def run_part(outcome, folder, name, work):
    """Runs one part in a folder of its own and adds its outcome to that of the suite."""
    inside = folder / name.replace(" ", "-")
    inside.mkdir(exist_ok=True)
    found = work(inside)
    outcome.passed += found.passed
    outcome.failed += found.failed
    outcome.problems += [f"{name}: {problem}" for problem in found.problems]
    outcome.notes.append(f"{name}: {found.passed} passed")


def run_parts(installed, functions, recorder, folder, outcome):
    """Runs every part whose calls are compared with the roles."""
    sanity, browser = installed
    secrets_manager = recorder.upstream["secretsmanager"]
    tenant = functions.create_tenant("sign-in")
    parts = {
        "keys": lambda _: operator_scenario.rotate_oidc_keys(functions, secrets_manager),
        "connector traces": lambda inside: replay_traces(functions, inside),
        "scim-sanity": lambda inside: scim_sanity.run(sanity, functions.create_tenant("scim-sanity"), inside),
        "sign-in": lambda inside: sign_in_with_samlp(functions, browser, tenant, inside),
        "operator": lambda _: operator_scenario.call_other_routes(functions, tenant.tenant),
        "events": lambda _: publish_events(functions),
        "deployment check": lambda _: check_deployment(functions, recorder),
    }
    for name, work in parts.items():
        run_part(outcome, folder, name, work)


def publish_events(functions):
    """Invokes the publisher of events after each of some changes, and lets it deliver to a host that does not exist.
    The server that has the table looks for events of others every few seconds, and may be first a few times."""
    outcome, published, attempts = Outcome(), 0, 0
    client = Client(functions.create_tenant("events"))
    for number in range(CHANGES):
        hook = functions.call_operator_api("POST", "/v1/webhooks", {"url": "https://hooks.gatehouse.invalid/"})["id"]
        answer = client.call("POST", "/Users", {"schemas": [operator_scenario.USER], "userName": f"event-{number}"})
        outcome.expect(answer.status == 201, "a user is created", answer.brief())
        published += functions.invoke("events", {})["published"]
        attempts += len(functions.call_operator_api("GET", f"/v1/webhooks/{hook}/deliveries")["items"])
        functions.call_operator_api("DELETE", f"/v1/webhooks/{hook}")
    outcome.expect(published > 0, "events are published", str(published))
    outcome.expect(attempts > 0, "deliveries are tried", str(attempts))
    return outcome


def check_deployment(functions, recorder):
    """Invokes the check of new versions as CodeDeploy does; the check invokes the other functions as on AWS."""
    outcome = Outcome()
    answer = functions.invoke("pretraffic", {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"})
    outcome.expect(answer == {"passed": True}, "the functions pass", str(answer))
    report = {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "e-1", "status": "Succeeded"}
    outcome.expect(recorder.reports == [report], "CodeDeploy receives the result", str(recorder.reports))
    return outcome


def replay_traces(functions, folder):
    """Replays the connector traces with the Rust tests."""
    log = folder / "output.log"
    log.unlink(missing_ok=True)
    return rust.replay_traces(functions.ready["scim"]["base_url"], functions.create_tenant("traces").token, log)


def sign_in_with_samlp(functions, browser, target, folder):
    """Signs in with two variants, then with every step of `browser/sign_in.mjs`, and with new names and addresses of
    the same person; deactivates the second person."""
    names = ("both signed", "response signed, assertion encrypted")
    ada = {"steps": ["again", "tabs", "group", "refresh", "replay"]}
    grace = {"person": "grace", "claims": sign_in.GRACE, "steps": ["deactivate"]}
    wanted = sign_in.VARIANTS["assertion signed"]
    more = [("every step", wanted, ada)]
    more += [(f"as {name}", wanted, renamed(name)) for name in ("king", "noel")]
    more += [("deactivation", wanted, {**grace, "tenant": target.tenant})]
    with Samlp(folder) as idp:
        variants = {name: sign_in.VARIANTS[name] for name in names}
        outcome = sign_in.with_identity_provider(idp, browser, target, folder, more, variants, sign_requests=True)
        explained = explain_response(functions, target, idp)
        outcome.expect(explained.get("accepted"), "explain finds the person of a new response", str(explained)[:500])
        return outcome


def renamed(name):
    """Returns the settings of a sign-in of Ada under another family name."""
    claims = {**sign_in.ADA, "email": f"ada.{name}@acme.org", "family_name": name.capitalize()}
    return {"person": f"ada.{name}", "claims": claims}


def explain_response(functions, target, idp):
    """Lets the identity provider answer a new request without a browser, and explains the answer."""
    begun = functions.ready["base_url"] + "/saml/sso/" + sign_in.DOMAIN
    # The identity provider shows a form, which a GET of the redirect returns.
    with urllib.request.urlopen(begun, timeout=START_SECONDS) as answer:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.url).query)
    form = {name: query.get(name, [""])[0] for name in ("SAMLRequest", "RelayState")}
    form |= {"username": "ada", "password": "secret"}
    with urllib.request.urlopen(idp.url + "/sso", urllib.parse.urlencode(form).encode(), timeout=20) as answer:
        page = answer.read().decode()
    response = html.unescape(re.search(r'name="SAMLResponse"[^>]*value="([^"]+)"', page)[1])
    path = f"/v1/tenants/{target.tenant}/connections/{sign_in.DOMAIN}/explain"
    return functions.call_operator_api("POST", path, {"saml_response": response})


def abort_function(functions):
    """Aborts a function: the suite must notice it, as it would notice a panic, and no request may wait for it."""
    outcome = Outcome()
    functions.abort("saml-metadata")
    reason = functions.died() or "nothing"
    outcome.expect(reason.startswith("the function saml-metadata ended with code -6"), "it is noticed", reason)
    try:
        urllib.request.urlopen(functions.ready["base_url"] + "/saml/metadata/acme.org", timeout=START_SECONDS).close()
        outcome.add_failure("a request to the function is answered")
    except TimeoutError:
        outcome.add_failure("a request to the function waits")
    except OSError:
        outcome.add_pass()
    return outcome


def run_make_watch(aws, folder):
    """Starts `make watch`, sends one SCIM request and two of an operator, and stops it with Ctrl-C."""
    outcome = Outcome()
    with Functions(aws, folder, IGNORE_CHANGES) as functions:
        tenant = functions.create_tenant("make watch")
        answer = Client(tenant, timeout=START_SECONDS).call("GET", "/Users")
        empty = answer.status == 200 and answer.json().get("totalResults") == 0
        outcome.expect(empty, "a new tenant has no users", answer.brief())
        outcome.expect(not functions.died(), "the functions are running", functions.died())
        outcome.expect(functions.interrupt(), "Ctrl-C stops it")
    return outcome
