"""Compares the calls that each function made with the permissions of its role in `template.yaml`.

A call without a permission is a problem, and so is a permission that no call used.
"""

import copy
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
    # SAM adds this application, for the deployments of all functions.
    "ServerlessDeploymentApplication": "deployments",
}
FUNCTION = "AWS::Serverless::Function"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012"
# The condition keys in the roles. An action on rows of one partition each may be limited to some partitions; a write of
# others is denied by conditions.
LEADING_KEYS, ATTRIBUTES = "dynamodb:LeadingKeys", "dynamodb:Attributes"
LIMITED = {f"dynamodb:{name}" for name in ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")}
WRITES = {f"dynamodb:{name}" for name in ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")}
# The conditions of a statement that denies writes: it applies if any row and any attribute of the write matches.
DENIED_ROWS, DENIED_ATTRIBUTES = "ForAnyValue:StringLike", "ForAnyValue:StringNotEquals"
# Without `NotAction` and `NotResource`, which grant what they do not name.
KNOWN_MEMBERS = {"Sid", "Effect", "Action", "Resource", "Condition"}
# Lambda writes the log, reads the stream of the table and reports its failures to a queue with the permission of the
# role; the function makes no such call.
BY_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"} | {
    f"dynamodb:{name}" for name in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
}
# Grants that no test uses. A deployment changes a role before traffic moves to the new version: 0.1.0 wrote memberships
# in batches, and rows that it left behind are deleted in batches.
OF_EARLIER_VERSIONS = {("ScimRole", "dynamodb:BatchWriteItem")}
# Managed policies that several roles have under a condition. DynamoDB, Secrets Manager and Lambda decrypt with the
# customer's key, and Lambda sends traces to X-Ray, with the permission of the role; the function makes no such call.
MANAGED_POLICIES = {"KeyUse": {"kms:Decrypt"}, "TraceUse": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}}
# Secrets Manager appends a hyphen and six random characters to the ARN of a secret.
SUFFIX = "-AbCdEf"


def template(file=TEMPLATE):
    """Returns a template with its intrinsic functions (`!Ref`, `!Sub`, …) in the long form."""
    script = "import json, sys, cfnlint.decode as d; print(json.dumps(d.decode(sys.argv[1])[0]))"
    python = tools.venv("cfn-lint")
    done = subprocess.run([python, "-c", script, file], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise tools.SetupError(f"{file} cannot be read:\n" + done.stderr[-2000:])
    return json.loads(done.stdout)


class Roles:
    """The roles of one deployment: the stage `local` with the table of the server `local`."""

    def __init__(self, template, table):
        self.resources = template["Resources"]
        self.arns = {"Table": f"arn:aws:dynamodb:us-east-1:123456789012:table/{table}"}

    def functions(self):
        """Returns the logical id of each function's role, by the name of the function's binary."""
        found = {}
        for resource in self.resources.values():
            if resource["Type"] == FUNCTION:
                found[binary(resource)] = resource["Properties"]["Role"]["Fn::GetAtt"][0]
        return found

    def managed_policy_problems(self):
        """Yields policies outside the roles that are not listed above: nothing here compares them with calls."""
        for name, resource in sorted(self.resources.items()):
            if resource["Type"] in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
                statements = resource["Properties"]["PolicyDocument"]["Statement"]
                actions = {action for statement in statements for action in listed(statement["Action"])}
                if actions != MANAGED_POLICIES.get(name):
                    yield f"the policy {name}, which grants {sorted(actions)}, is not in MANAGED_POLICIES"

    def grants(self, role):
        """Returns the grants of a role: pairs of an action and the pattern of a resource."""
        found = set()
        for statement in self.statements(role):
            if statement["Effect"] == "Deny":
                continue
            for action in listed(statement["Action"]):
                if action not in BY_LAMBDA:
                    found |= {(action, self.arn(resource)) for resource in listed(statement["Resource"])}
        return found

    def statements(self, role):
        """Yields the statements of a role; raises ValueError for a form of statement that is not understood."""
        for policy in self.resources[role]["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] not in {"Allow", "Deny"} or not set(statement) <= KNOWN_MEMBERS:
                    raise ValueError(f"{role} has an unknown form of statement: {statement}")
                if statement["Effect"] == "Deny":
                    self.check_denial(role, statement)
                # Only one condition is understood, and only for actions on the rows of one partition.
                elif "Condition" in statement:
                    keys = statement["Condition"].get("ForAllValues:StringLike", {})
                    alone = len(statement["Condition"]) == 1 and set(keys) == {LEADING_KEYS}
                    if not alone or not set(listed(statement["Action"])) <= LIMITED:
                        raise ValueError(f"{role} has an unknown condition: {statement}")
                yield statement

    def check_denial(self, role, statement):
        """Raises ValueError unless a statement denies writes of rows by their partitions, and by their attributes."""
        condition = statement.get("Condition", {})
        rows = condition.get(DENIED_ROWS, {})
        attributes = condition.get(DENIED_ATTRIBUTES, {ATTRIBUTES: []})
        known = set(condition) <= {DENIED_ROWS, DENIED_ATTRIBUTES}
        exact = set(rows) == {LEADING_KEYS} and set(attributes) == {ATTRIBUTES}
        on_table = statement["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}
        if not (known and exact and on_table and set(listed(statement["Action"])) <= WRITES):
            raise ValueError(f"{role} denies in an unknown form: {statement}")

    def compare_writes(self, writes):
        """Returns writes that a role denies."""
        problems = []
        for function, role in sorted(self.functions().items()):
            denials = [statement for statement in self.statements(role) if statement["Effect"] == "Deny"]
            for use, partitions, attributes in writes:
                if use.function == function and any(denies(each, use, partitions, attributes) for each in denials):
                    rows = ", ".join(sorted(partitions))
                    problems.append(f"{function} used {use.action} on {rows}, which {role} denies")
        return sorted(problems)

    def conditions(self, role):
        """Yields pairs of actions and the patterns of the partitions to which a condition limits them."""
        for statement in self.statements(role):
            if statement["Effect"] == "Allow" and "Condition" in statement:
                patterns = statement["Condition"]["ForAllValues:StringLike"][LEADING_KEYS]
                yield listed(statement["Action"]), listed(patterns)

    def compare_partitions(self, partitions, writes):
        """Returns uses of rows that no condition allows, and conditions that no use needed."""
        problems = []
        written = {(use, pk) for use, written, _ in writes for pk in written}
        for function, role in sorted(self.functions().items()):
            conditions = list(self.conditions(role))
            limited = {action for actions, _ in conditions for action in actions}
            seen = {(use.action, pk) for use, pk in partitions | written if use.function == function}
            for action, pk in sorted(seen):
                allowed = [patterns for actions, patterns in conditions if action in actions]
                if action in limited and not any(matches(pattern, pk) for patterns in allowed for pattern in patterns):
                    problems.append(f"{function} used {action} on {pk}, which no condition of {role} allows")
            for actions, patterns in conditions:
                used = {pk for action, pk in seen if action in actions}
                for pattern in patterns:
                    if not any(matches(pattern, pk) for pk in used):
                        problems.append(f"a condition of {role} allows {pattern}, which {function} never used")
        return problems

    def arn(self, value):
        """Returns the ARN of a value of the template."""
        if isinstance(value, str):
            return value
        ((function, argument),) = value.items()
        if function == "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda name: self.value(name[1]), argument)
        if function == "Ref":
            return self.value(argument)
        if function == "Fn::GetAtt":
            return self.value(".".join(listed(argument)))
        raise ValueError(f"{value} is an unknown form of resource")

    def value(self, name):
        """Returns the value of `${name}`."""
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
        raise ValueError(f"{name} is of an unknown type")

    def compare(self, uses):
        """Returns the grants that no function used, and the uses that no grant allows."""
        problems = list(self.managed_policy_problems())
        for function, role in sorted(self.functions().items()):
            grants = self.grants(role)
            used = {(use.action, arn) for use in uses if use.function == function for arn in use_arns(use)}
            for action, pattern in sorted(grants):
                if (role, action) in OF_EARLIER_VERSIONS:
                    continue
                if not any(action == done and matches(pattern, arn) for done, arn in used):
                    problems.append(f"{role} grants {action} on {pattern}, which {function} never used")
            for done, arn in sorted(used):
                if not any(action == done and matches(pattern, arn) for action, pattern in grants):
                    problems.append(f"{function} used {done} on {arn}, which {role} does not grant")
        unknown = {use.function for use in uses} - set(self.functions())
        problems += [f"{name} called AWS and has no role in the template" for name in sorted(unknown)]
        problems += [f"a statement with {change} is not refused" for change in self.accepted_changes()]
        return problems

    def accepted_changes(self):
        """Yields changes of a statement that `statements` does not refuse. If there were any, roles could grant more
        than is compared here."""
        any_key = {LEADING_KEYS: "*"}
        role = min(self.functions().values())
        denied = {"Effect": "Deny", "Action": ["dynamodb:PutItem"]}
        for change in (
            {"Effect": "Deny"},
            denied,
            {**denied, "Condition": {"ForAllValues:StringLike": any_key}},
            {**denied, "Condition": {DENIED_ROWS: any_key}, "Resource": "*"},
            {**denied, "Condition": {DENIED_ROWS: any_key}, "Action": "dynamodb:GetItem"},
            {**denied, "Condition": {DENIED_ROWS: any_key, "StringLike": any_key}},
            {**denied, "Condition": {DENIED_ATTRIBUTES: {ATTRIBUTES: "a"}}},
            {"NotAction": "dynamodb:Scan"},
            {"NotResource": "*"},
            {"Condition": {"StringLike": any_key}},
            {"Condition": {"ForAllValues:StringLike": {"dynamodb:Attributes": "*"}}},
            {"Condition": {"ForAllValues:StringLike": any_key, "StringLike": any_key}, "Action": "dynamodb:GetItem"},
            {"Condition": {"ForAllValues:StringLike": any_key}, "Action": "dynamodb:BatchGetItem"},
        ):
            changed = copy.copy(self)
            changed.resources = copy.deepcopy(self.resources)
            changed.resources[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0].update(change)
            try:
                changed.grants(role)
            except ValueError:
                continue
            yield change


def denies(statement, use, partitions, attributes):
    """Returns whether a statement denies a write: each of its conditions matches a value of the write."""
    condition = statement["Condition"]
    patterns = listed(condition[DENIED_ROWS][LEADING_KEYS])
    rows = any(matches(pattern, pk) for pattern in patterns for pk in partitions)
    allowed = condition.get(DENIED_ATTRIBUTES, {}).get(ATTRIBUTES)
    named = allowed is None or bool(attributes - set(listed(allowed)))
    return use.action in listed(statement["Action"]) and rows and named


def binary(function):
    """Returns the name of a function's binary."""
    return function["Metadata"]["BuildProperties"]["Binary"]


def use_arns(use):
    """Returns the ARNs that IAM checks for a use."""
    kind, _, name = use.resource.partition(":")
    if kind == "function":
        # Functions have no versions under cargo-lambda; on AWS the check invokes a version.
        return [f"{LAMBDA}:function:{name}:1"]
    if kind == "deploymentgroup":
        return [f"arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:deployments/{name}"]
    if kind != "secret":
        return [f"arn:aws:dynamodb:us-east-1:123456789012:{use.resource}"]
    arn = secret_arn(name)
    # IAM may check the creation of a secret before the ARN has its suffix.
    return [arn, arn + SUFFIX] if use.action.endswith(":CreateSecret") else [arn + SUFFIX]


def secret_arn(name):
    """Returns the ARN of a secret without its suffix."""
    return f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}"


def matches(pattern, arn):
    """Returns whether a pattern of IAM, with `*` and `?`, matches an ARN."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), arn) is not None


def listed(value):
    """Returns a value as a list: CloudFormation accepts one element without a list."""
    return value if isinstance(value, list) else [value]
