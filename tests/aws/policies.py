"""IoT policies of an account and region, and what they are attached to: certificates and thing groups."""
import json
import uuid

import errors
import things
from ledger import Ledger

MOST_PER_PRINCIPAL = 10
MOST_CHARACTERS = 2048      # without white space


class Policy:
    def __init__(self, name, arn, document, now):
        self.name, self.arn, self.document, self.created = name, arn, document, now
        self.generation = str(uuid.uuid4())
        self.targets = {}


class Policies:
    OPERATIONS = ("CreatePolicy", "GetPolicy", "ListPolicies", "AttachPolicy", "DetachPolicy", "ListAttachedPolicies")

    def __init__(self, place):
        self.place = place
        self.all = Ledger()

    def get(self, name):
        found = self.all.get(name)
        if found is None:
            raise errors.not_found(f"Policy not found (name={name})")
        return found

    @staticmethod
    def _check(document):
        try:
            read = json.loads(document)
            good = isinstance(read, dict) and read.get("Version") in ("2012-10-17", "2008-10-17") and read.get("Statement")
        except ValueError:
            good = False
        if not good or len("".join(document.split())) > MOST_CHARACTERS:
            raise errors.AwsError("MalformedPolicyException", "Policy document is Malformed", 400)
        for statement in read["Statement"] if isinstance(read["Statement"], list) else [read["Statement"]]:
            if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny") or "Action" not in statement \
                    or "Resource" not in statement:
                raise errors.AwsError("MalformedPolicyException", "Policy document is Malformed", 400)

    def create_policy(self, p):
        name, arn = p["policyName"], self.place.arn("policy/" + p["policyName"])
        self._check(p["policyDocument"])
        if name in self.all:
            raise errors.exists(f"Policy cannot be created - name already exists (name={name})", name, arn)
        self.all.add(name, Policy(name, arn, p["policyDocument"], self.place.now()))
        return {"policyName": name, "policyArn": arn, "policyDocument": p["policyDocument"], "policyVersionId": "1"}

    def get_policy(self, p):
        x = self.get(p["policyName"])
        return {"policyName": x.name, "policyArn": x.arn, "policyDocument": x.document, "defaultVersionId": "1",
                "creationDate": x.created, "lastModifiedDate": x.created, "generationId": x.generation}

    def list_policies(self, p):
        found, marker = self.all.page(p.get("pageSize"), p.get("marker"), p.get("ascendingOrder", False))
        return {"policies": [{"policyName": x.name, "policyArn": x.arn} for x in found], "nextMarker": marker}

    def attach_policy(self, p):
        policy, target = self.get(p["policyName"]), self.place.target(p["target"])
        if policy.name not in target.policies and len(target.policies) >= MOST_PER_PRINCIPAL:
            raise errors.limit(f"Cannot attach more than {MOST_PER_PRINCIPAL} policies to the principal")
        target.policies[policy.name] = policy
        policy.targets[target.arn] = target

    def detach_policy(self, p):
        policy, target = self.get(p["policyName"]), self.place.target(p["target"])
        target.policies.pop(policy.name, None)
        policy.targets.pop(target.arn, None)

    def list_attached_policies(self, p):
        rows = [{"policyName": x.name, "policyArn": x.arn} for x in self.place.target(p["target"]).policies.values()]
        found, marker = things.page(rows, p, "pageSize", "marker")
        return {"policies": found, "nextMarker": marker}

    @staticmethod
    def forget(target):
        for policy in target.policies.values():
            policy.targets.pop(target.arn, None)
        target.policies.clear()
