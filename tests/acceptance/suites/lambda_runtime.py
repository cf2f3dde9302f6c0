"""The compiled functions as Lambda runs them: events of API Gateway in, AWS calls out.

Connector traces, scim-sanity and sign-in in Chromium go through `cargo lambda watch`, and an operator who uses every
route. Then what each function did is compared with what its role allows.
"""

from gate import lambda_runtime, operator_walk, roles, rust, sign_in
from gate.aws_recorder import Recorder
from gate.identity_providers import Samlp, prepare_browser
from gate.lambda_runtime import Functions
from gate.report import Outcome

from suites import scim_sanity

LABEL = "Lambda runtime: cargo lambda watch"


def prepare():
    """Installs everything and builds the functions."""
    lambda_runtime.prepare()
    return scim_sanity.prepare(), prepare_browser(), roles.template()


def run(prepared, target, folder):
    """Runs all of it against the AWS services of the target's server, whose own routers serve nothing here."""
    sanity, browser, template = prepared
    upstream = target.local.ready["aws"]
    recorder = Recorder(upstream)
    outcome = Outcome()
    with recorder as aws, Functions(aws, folder) as functions:

        def part(name, work):
            inside = folder / name.replace(" ", "-")
            inside.mkdir(exist_ok=True)
            found = work(inside)
            outcome.passed += found.passed
            outcome.failed += found.failed
            outcome.problems += [f"{name}: {problem}" for problem in found.problems]
            outcome.notes.append(f"{name}: {found.passed} passed")

        recorder.upstream["lambda"] = functions.ready["base_url"]
        people = functions.new_tenant("sign-in")
        part("keys", lambda _: operator_walk.before_any_sign_in(functions, upstream["secretsmanager_endpoint"]))
        part("connector traces", lambda inside: traces(functions, inside))
        part("scim-sanity", lambda inside: scim_sanity.run(sanity, functions.new_tenant("scim-sanity"), inside))
        part("sign-in", lambda inside: sign_in_with_samlp(browser, people, inside))
        part("operator", lambda _: operator_walk.everything(functions, people.tenant))
        part("deployment check", lambda _: deployment_check(functions, recorder))
        if functions.died():
            outcome.bad(functions.died())
    seen = sorted(" ".join(use) for use in recorder.uses)
    (folder / "uses.txt").write_text("\n".join(seen) + "\n", "utf-8")
    known = roles.Roles(template, recorder.table)
    problems = known.compare(recorder.uses) + known.compare_partitions(recorder.partitions)
    outcome.expect(not problems, "each role allows what its function does, and no more", "\n".join(problems))
    return outcome


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
