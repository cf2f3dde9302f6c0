"""Compares what each function did with what its role in `template.yaml` lets it do, in both directions."""

import json
import re
import subprocess

from gate import tools

TEMPLATE = tools.ROOT / "template.yaml"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "gatehouse-local",
    "Stage": "local",
    # SAM makes it, for the deployments of all functions.
    "ServerlessDeploymentApplication": "deployments",
}
FUNCTION = "AWS::Serverless::Function"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012"
# The one condition that roles have, and the one action that has it.
LEADING_KEYS, GET = "dynamodb:LeadingKeys", "dynamodb:GetItem"
# Lambda itself writes the log, with the permission of the role; the function makes no such call.
BY_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents"}
# Policies that several roles have, under a condition. With the permission of the role, DynamoDB, Secrets Manager
# and Lambda decrypt by the customer's key, and Lambda sends traces to X-Ray; the functions make no such calls.
BESIDE_ROLES = {"KeyUse": {"kms:Decrypt"}, "TraceUse": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}}
# Secrets Manager ends the ARN of a secret in a hyphen and six random characters.
SUFFIX = "-AbCdEf"


def template(file=TEMPLATE):
    """A template with its functions (`!Ref`, `!Sub`, …) in their long form."""
    script = "import json, sys, cfnlint.decode as d; print(json.dumps(d.decode(sys.argv[1])[0]))"
    python = tools.venv("cfn-lint")
    done = subprocess.run([python, "-c", script, file], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise tools.SetupError(f"{file} cannot be read:\n" + done.stderr[-2000:])
    return json.loads(done.stdout)


class Roles:
    """The roles of one deployment: stage `local`, and the table that `local` has."""

    def __init__(self, template, table):
        self.resources = template["Resources"]
        self.arns = {"Table": f"arn:aws:dynamodb:us-east-1:123456789012:table/{table}"}

    def functions(self):
        """The logical id of each function's role, by the name of its binary."""
        found = {}
        for resource in self.resources.values():
            if resource["Type"] == FUNCTION:
                found[binary(resource)] = resource["Properties"]["Role"]["Fn::GetAtt"][0]
        return found

    def shared(self):
        """Sentences about policies beside the roles, which nothing here would compare with what was done."""
        for name, resource in sorted(self.resources.items()):
            if resource["Type"] in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
                statements = resource["Properties"]["PolicyDocument"]["Statement"]
                actions = {action for statement in statements for action in listed(statement["Action"])}
                if actions != BESIDE_ROLES.get(name):
                    yield f"the policy {name} grants {sorted(actions)}: is a service to use that, or a function?"

    def grants(self, role):
        """What a role allows: pairs of an action and the pattern of a resource."""
        found = set()
        for policy in self.resources[role]["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                for action in listed(statement["Action"]):
                    if action not in BY_LAMBDA:
                        found |= {(action, self.arn(resource)) for resource in listed(statement["Resource"])}
        return found

    def conditions(self, role):
        """Pairs of an action and the patterns of the partitions that it may be taken on, where there are any."""
        for policy in self.resources[role]["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                if "Condition" in statement:
                    # Another condition, or another action than on one row, is not known here.
                    (((operator, keys),), actions) = statement["Condition"].items(), listed(statement["Action"])
                    if operator != "ForAllValues:StringLike" or set(keys) != {LEADING_KEYS} or actions != [GET]:
                        raise ValueError(f"{role} has a condition that this test does not know")
                    yield GET, listed(keys[LEADING_KEYS])

    def compare_partitions(self, partitions):
        """Sentences about rows that were read and may not be, and that may be and were not."""
        problems = []
        for function, role in sorted(self.functions().items()):
            for action, patterns in self.conditions(role):
                seen = {pk for use, pk in partitions if (use.function, use.action) == (function, action)}
                for pk in sorted(seen):
                    if not any(matches(pattern, pk) for pattern in patterns):
                        problems.append(f"{function} read {pk}, which a condition of {role} does not allow")
                for pattern in patterns:
                    if not any(matches(pattern, pk) for pk in seen):
                        problems.append(f"a condition of {role} allows {pattern}, which {function} never read")
        return problems

    def arn(self, value):
        """The ARN that a value of the template stands for."""
        if isinstance(value, str):
            return value
        ((function, argument),) = value.items()
        if function == "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda name: self.value(name[1]), argument)
        if function == "Ref":
            return self.value(argument)
        if function == "Fn::GetAtt":
            return self.value(".".join(listed(argument)))
        raise ValueError(f"{value} is no resource that this test knows")

    def value(self, name):
        """What `${name}` stands for."""
        if name in PSEUDO:
            return PSEUDO[name]
        logical_id = name.removesuffix(".Arn")
        if logical_id in self.arns:
            return self.arns[logical_id]
        resource = self.resources[logical_id]
        if resource["Type"] == FUNCTION:
            return f"{LAMBDA}:function:{binary(resource)}"
        if resource["Type"] == "AWS::SecretsManager::Secret":
            return secret_arn(self.arn(resource["Properties"]["Name"])) + SUFFIX
        raise ValueError(f"{name} is of a type that this test does not know")

    def compare(self, uses):
        """Sentences about what is granted in vain and what is missing."""
        problems = list(self.shared())
        for function, role in sorted(self.functions().items()):
            grants = self.grants(role)
            used = {(use.action, arn) for use in uses if use.function == function for arn in use_arns(use)}
            for action, pattern in sorted(grants):
                if not any(action == done and matches(pattern, arn) for done, arn in used):
                    problems.append(f"{role} grants {action} on {pattern}, which {function} never used")
            for done, arn in sorted(used):
                if not any(action == done and matches(pattern, arn) for action, pattern in grants):
                    problems.append(f"{function} used {done} on {arn}, which {role} does not grant")
        strangers = {use.function for use in uses} - set(self.functions())
        problems += [f"{name} called AWS and has no role in the template" for name in sorted(strangers)]
        return problems


def binary(function):
    """The name of a function's binary."""
    return function["Metadata"]["BuildProperties"]["Binary"]


def use_arns(use):
    """The ARNs on which IAM decides about a use."""
    kind, _, name = use.resource.partition(":")
    if kind == "function":
        # There functions have no versions, and on AWS it is a version that is invoked.
        return [f"{LAMBDA}:function:{name}:1"]
    if kind == "deploymentgroup":
        return [f"arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:deployments/{name}"]
    if kind != "secret":
        return [f"arn:aws:dynamodb:us-east-1:123456789012:{use.resource}"]
    arn = secret_arn(name)
    # One that is being made may not have its suffix yet.
    return [arn, arn + SUFFIX] if use.action.endswith(":CreateSecret") else [arn + SUFFIX]


def secret_arn(name):
    """The ARN of a secret without its suffix."""
    return f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}"


def matches(pattern, arn):
    """Whether a pattern of IAM, with `*` and `?`, is for this ARN."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), arn) is not None


def listed(value):
    """A list of one or more, as CloudFormation takes either."""
    return value if isinstance(value, list) else [value]
