"""One call of AWS from its request to its answer: route, signature, permission, faults, validation, effect."""
import hashlib
import json
import sys
import time
import traceback
import uuid

import faults
import pki
import signature
import sts
from accounts import Accounts
from counters import Counters
from errors import AwsError
from model import Model
from region import Region

OTHER_ID = "0" * 63 + "1"
CORAL = "http://internal.amazon.com/coral/com.amazonaws.iot/"


class Answer:
    """status, headers and body; cut: "close" or "reset" instead of an answer, after cut_at bytes of the body if that is set."""

    def __init__(self, status=200, body=b"", kind=None):
        self.status, self.body, self.headers = status, body, {}
        if kind:
            self.headers["Content-Type"] = kind
        self.cut = self.cut_at = self.rate = None
        self.hang = self.close = False


class Call:
    """A request that has found its operation."""

    def __init__(self, request):
        self.request, self.id = request, str(uuid.uuid4())
        self.service, self.operation, self.op, self.labels = "iot", "unknown", None, {}
        self.account = self.region = self.key = self.counted = self.plan = None
        self._print = None

    @property
    def print(self):
        """The same for the same request sent again."""
        if self._print is None:
            r = self.request
            text = "\n".join((self.operation, r.path, repr(r.query), r.headers.get("x-amzn-principal", "")))
            self._print = hashlib.sha256(text.encode() + b"\n" + r.body).digest()
        return self._print

    def subjects(self):
        """What the request is about, by all its names."""
        found = set(self.labels.values())
        principal = self.request.headers.get("x-amzn-principal")
        try:
            body = json.loads(self.request.body) if self.request.body else {}
        except ValueError:
            body = {}
        named = [principal] + [body.get(n) for n in ("target", "thingName", "thingGroupName", "certificateId")]
        for text in named + list(self.labels.values()):
            if isinstance(text, str):
                found |= {text, text.rpartition("/")[2]}
        if isinstance(body.get("certificatePem"), str):
            try:
                certificate = pki.Certificate(body["certificatePem"])
                found |= {certificate.id, *certificate.common_names()}
            except AwsError:
                pass
        return found


class Cloud:
    def __init__(self, specs):
        self.model = Model("iot")
        self.accounts = Accounts(specs)
        self.skew = 0
        self.verifier = signature.Verifier(self.accounts, self.now)
        self.faults, self.counters = faults.Faults(), Counters()
        self.reset()

    def now(self):
        """The clock of the stand-in, in seconds; it may be wrong on demand."""
        return time.time() + self.skew

    def reset(self):
        self.skew = 0
        self.accounts.reset()
        self.verifier.auths.clear()
        self.faults.reset()
        self.counters.reset()
        self.places, self.cas = {}, {}

    def place(self, account, region):
        found = self.places.get((account, region))
        if found is None:
            partition = self.verifier.partitions[region]
            found = Region(account, region, partition, self.now, self.cas.setdefault(region, {}))
            self.places[account, region] = found
        return found

    # The three acts of a call. begin() says how long to wait, finish() makes the answer, and sent() ends the count.

    def begin(self, request):
        call = Call(request)
        call.refused = None
        try:
            self._route(call)
        except AwsError as e:
            call.refused = e
        call.counted = self.counters.begin(call.operation)
        try:
            if call.refused is None:
                self._admit(call)
        except AwsError as e:
            call.refused = e
        return call

    def finish(self, call):
        answer, plan = Answer(), call.plan
        fault = bool(plan and (plan.before or plan.after))
        code = throttled = None
        try:
            if call.refused:
                raise call.refused
            if plan.before:
                faults.refusal(plan.before.raw, answer)
                code = plan.before.kind if answer.cut or answer.status >= 300 else None
            else:
                self.counters.admit(call.counted)
                without = [raw["kind"] for raw in plan.after if not raw.get("effect", True)]
                if without:
                    code = without[0]
                else:
                    self._perform(call, answer)
        except AwsError as e:
            code = e.code
            throttled = fault and plan.before and e.code in ("ThrottlingException", "TooManyRequestsException")
            self._error(call, answer, e)
        except Exception:
            code = "defect of the stand-in"
            traceback.print_exc(file=sys.stderr)
            self._error(call, answer, AwsError("StandInDefect", traceback.format_exc(), 500))
        for raw in plan.after if plan and not plan.before else ():
            faults.spoil(raw, answer)
        self.counters.note(call.counted, code, bool(throttled), fault and not throttled)
        answer.headers["x-amzn-RequestId"] = call.id
        return answer

    def sent(self, call):
        self.counters.end(call.counted)

    def _route(self, call):
        request = call.request
        found = self.model.route(request.method, request.path)
        if request.path == "/":
            call.service = "sts"
            call.operation = sts.action(request).get("Action", "unknown")
        elif found is None:
            raise AwsError("UnknownOperationException", f"No operation of IoT is {request.method} {request.path}", 404)
        else:
            call.op, call.labels = found
            call.operation = call.op.name

    def _admit(self, call):
        request = call.request
        claim = self.verifier.claim(request)
        call.key = self.verifier.verify(request, claim)
        if signature.SERVICES[claim.service] != call.service:
            raise AwsError("InvalidSignatureException", f"Credential should be scoped to correct service: '{call.service}'.", 403)
        call.account, call.region = call.key.account, claim.region
        self.counters.target(call.counted, call.operation, f"{call.account}/{call.region}")
        call.plan = self.faults.plan(call)
        action = f"{call.service}:{call.operation}"
        if call.service == "iot" and call.key.denied & {"*", action, call.operation}:
            arn = call.key.arn(self.verifier.partitions[call.region])
            raise AwsError("AccessDeniedException", f"User: {arn} is not authorized to perform: {action} on resource: * because no "
                           f"identity-based policy allows the {action} action", 403)

    def _perform(self, call, answer):
        request = call.request
        if call.service == "sts":
            partition = self.verifier.partitions[call.region]
            answer.body = sts.get_caller_identity(sts.action(request), call.key, partition, call.id)
            answer.headers["Content-Type"] = "text/xml"
            return
        params = self.model.read(call.op, call.labels, request.query, request.headers, request.body)
        operation = self.place(call.account, call.region).operations.get(call.operation)
        if operation is None:
            raise AwsError("NotInTheStandIn", f"The stand-in does not do {call.operation}", 501)
        result = operation(params)
        if result and any(raw["kind"] == "wrong_id" for raw in call.plan.after) and "certificateId" in result:
            arn = result["certificateArn"].rpartition("/")[0]
            result = {**result, "certificateId": OTHER_ID, "certificateArn": f"{arn}/{OTHER_ID}"}
        answer.status = call.op.success
        answer.body = self.model.write(call.op, result)
        if answer.body:
            answer.headers["Content-Type"] = "application/json"

    def _error(self, call, answer, e):
        after = call.plan.after if call.plan else ()
        answer.status = e.status or self.model.statuses.get(e.code, 400)
        if call.service == "sts":
            answer.body, answer.headers["Content-Type"] = sts.error(e, answer.status, call.id), "text/xml"
            return
        body = {"message": e.message} if e.message is not None else {}
        if not any(raw["kind"] == "bare_conflict" for raw in after):
            body.update(e.extra)
        form = next((raw["form"] for raw in after if raw["kind"] == "error_form"), "header")
        if form.startswith("header"):
            answer.headers["x-amzn-ErrorType"] = e.code + (f":{CORAL}" if form == "header_uri" else "")
        elif form in ("type", "code"):
            body["__type" if form == "type" else "code"] = e.code
        elif form == "namespace":
            body["__type"] = f"com.amazonaws.iot#{e.code}"
        answer.body, answer.headers["Content-Type"] = json.dumps(body).encode(), "application/json"
