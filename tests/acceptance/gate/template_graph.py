"""What CloudFormation makes of `template.yaml`, and that nothing in it waits for itself.

The linters look at the template as written. The check of new versions knows the versions that it checks, and the
aliases know the check: whether that is a circle shows in the translated template alone. Runs with SAM's own Python,
offline; prints nothing when all is well.
"""

import json
import re
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

# A reference in the text of Fn::Sub; `${!x}` is the text `${x}`.
IN_TEXT = re.compile(r"\$\{([^!}][^}]*)\}")


class NoManagedPolicies:
    """Our roles are our own, so SAM has no policy of AWS to look up."""

    def load(self):
        """Names of policies and their ARNs."""
        return {}


def translated(path, revision=None):
    """The template as CloudFormation gets it; with another revision than the one that is written there."""
    template = yaml_parse(Path(path).read_text("utf-8"))
    if revision:
        template["Globals"]["Function"]["Environment"]["Variables"]["GATEHOUSE_REVISION"] = revision
    # SAM CLI uploads what is in a folder; the translator knows uploads alone.
    for resource in template["Resources"].values():
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    defaults = {name: parameter["Default"] for name, parameter in template["Parameters"].items()}
    return transform(template, defaults, NoManagedPolicies())


def references(node):
    """Logical ids that a part of the template refers to."""
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


def circle(graph):
    """Resources each of which waits for the next, and the last for the first; empty when there are none."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        path.append(name)
        for other in sorted(graph[name]):
            found = visit(other)
            if found:
                return found
        path.pop()
        done.add(name)
        return []

    for name in sorted(graph):
        found = visit(name)
        if found:
            return found
    return []


def versions_of(resources):
    """Logical ids of the functions' versions. A version is made for each that was not there before."""
    return {name for name, resource in resources.items() if resource["Type"] == "AWS::Lambda::Version"}


def faults(resources, revised):
    """What is wrong with the translated resources, one line each; `revised` are those of another revision."""
    graph = {name: references(resource) & set(resources) for name, resource in resources.items()}
    found = circle(graph)
    if found:
        yield "a circle: " + " -> ".join(found)
    hooked = []
    for name, resource in resources.items():
        update = resource.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
        if not update:
            continue
        hooked.append(name)
        if update.get("BeforeAllowTrafficHook") != {"Ref": "PreTrafficFunction"}:
            yield f"{name} gets traffic unchecked"
    versions = versions_of(resources)
    if len(hooked) != len(versions):
        yield f"{len(versions)} functions have versions, {len(hooked)} are deployed by CodeDeploy"
    checked = references(resources["PreTrafficFunction"]) & versions
    if checked != versions:
        yield f"not checked: {sorted(versions - checked)}"
    kept = versions & versions_of(revised)
    if kept:
        yield f"another revision makes no version: {sorted(kept)}"
    for name, resource in resources.items():
        # API Gateway warns of a server without a URL.
        servers = resource.get("Properties", {}).get("Body", {}).get("servers", [])
        if resource.get("Properties", {}).get("FailOnWarnings") and any("url" not in server for server in servers):
            yield f"{name} fails by a warning of what SAM writes"


def main():
    """Prints what is wrong and fails if anything is."""
    template = translated(sys.argv[1])
    found = list(faults(template["Resources"], translated(sys.argv[1], "another")["Resources"]))
    for fault in found:
        print(fault)
    if "--print" in sys.argv:
        print(json.dumps(template, indent=1))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
