"""Translates `template.yaml` as CloudFormation does, and checks the resources that result.

The linters read the template as written. Whether resources depend on each other in a circle is visible only after the
translation: the check of new versions refers to the versions, and their aliases refer to the check. Runs with the
Python of SAM, offline; prints one line for each problem.
"""

import graphlib
import json
import re
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

# A reference in the text of Fn::Sub; `${!x}` is not one but the text `${x}`.
IN_TEXT = re.compile(r"\$\{([^!}][^}]*)\}")


class NoManagedPolicies:
    """SAM's table of managed policies. Empty: the template gives no function a policy of AWS by name."""

    def load(self):
        """Returns the ARNs of policies by name."""
        return {}


def translate(path, revision=None):
    """Returns the template as CloudFormation receives it, with `revision` in place of the one in the file."""
    template = yaml_parse(Path(path).read_text("utf-8"))
    if revision:
        template["Globals"]["Function"]["Environment"]["Variables"]["GATEHOUSE_REVISION"] = revision
    # SAM CLI uploads a folder before it translates; the translator accepts only the URL of an upload.
    for resource in template["Resources"].values():
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    defaults = {name: parameter["Default"] for name, parameter in template["Parameters"].items()}
    return transform(template, defaults, NoManagedPolicies())


def references(node):
    """Returns the logical ids that a part of the template refers to."""
    if isinstance(node, list):
        return {name for item in node for name in references(item)}
    if not isinstance(node, dict):
        return set()
    found = set()
    for key, value in node.items():
        if key == "Ref" and isinstance(value, str):
            found.add(value)
        elif key == "Fn::GetAtt":
            found.add(value[0] if isinstance(value, list) else value.split(".")[0])
        elif key == "DependsOn":
            found.update([value] if isinstance(value, str) else value)
        elif key == "Fn::Sub":
            text, own = (value, {}) if isinstance(value, str) else value
            found.update({name.split(".")[0] for name in IN_TEXT.findall(text)} - set(own))
            found.update(references(own))
        else:
            found.update(references(value))
    return found


def find_circle(graph):
    """Returns resources that depend on each other in a circle; empty if there are none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def versions_of(resources):
    """Returns the logical ids of the functions' versions. CloudFormation publishes a version for each new id."""
    return {name for name, resource in resources.items() if resource["Type"] == "AWS::Lambda::Version"}


def problems(resources, revised):
    """Yields the problems of the translated resources; `revised` are the resources of another revision."""
    graph = {name: references(resource) & set(resources) for name, resource in resources.items()}
    circle = find_circle(graph)
    if circle:
        yield "resources depend on each other in a circle: " + " -> ".join(circle)
    hooked = []
    for name, resource in resources.items():
        update = resource.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
        if not update:
            continue
        hooked.append(name)
        if update.get("BeforeAllowTrafficHook") != {"Ref": "PreTrafficFunction"}:
            yield f"{name} gets traffic without a check of its version"
    versions = versions_of(resources)
    if len(hooked) != len(versions):
        yield f"{len(versions)} functions have versions, {len(hooked)} are deployed by CodeDeploy"
    checked = references(resources["PreTrafficFunction"]) & versions
    if checked != versions:
        yield f"PreTrafficFunction does not check {sorted(versions - checked)}"
    kept = versions & versions_of(revised)
    if kept:
        yield f"another revision publishes no new version of {sorted(kept)}"
    for name, resource in resources.items():
        # API Gateway warns of a server without a URL, which SAM writes.
        servers = resource.get("Properties", {}).get("Body", {}).get("servers", [])
        if resource.get("Properties", {}).get("FailOnWarnings") and any("url" not in server for server in servers):
            yield f"{name} has FailOnWarnings, and API Gateway will warn of a server without a URL"


def main():
    """Prints the problems; the exit code is 1 if there are any."""
    template = translate(sys.argv[1])
    found = list(problems(template["Resources"], translate(sys.argv[1], "another")["Resources"]))
    for problem in found:
        print(problem)
    if "--print" in sys.argv:
        print(json.dumps(template, indent=1))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
