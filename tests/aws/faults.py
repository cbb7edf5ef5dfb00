"""
What goes wrong on demand. A rule is a JSON object; several hold at once, in their order.

  kind          what happens (below); everything else is optional
  operations    list of operation names; absent: all
  account, region  only there
  subjects      list of certificate ids, thing names, policy names, device names (CN) or ARNs the request must be about
  probability   0..1, default 1. The draw depends on the seed, the rule, the request and how often this same request came,
                not on the order in which different requests arrive: the same run meets the same faults.
  first         only the first so many times that this same request comes: whoever repeats it gets through
  skip, times   the first `skip` matching calls go free; after `times` hits the rule is spent

Kinds before the call takes effect (the first that hits decides):
  quota         rate, burst (default: rate), window "bucket" (default) or "second" (fixed windows of one second). Per operation,
                account and region. rate "aws": AWS's default for the operation. Beyond it: 400 ThrottlingException
  throttle      400 ThrottlingException "Rate exceeded";  status 429 makes it TooManyRequestsException
  error         code, message, status (default: the model's), extra {members}
  status        status, body "json" (default), "html" or "none": an answer of some gateway
  cut_before    the connection ends without an answer; how "close" (default) or "reset"
  redirect      status (default 301), location
Kinds after it took effect (all that hit; "effect": false keeps the call from happening):
  cut_after     the connection ends without an answer; how as above
  half_answer   it ends in the middle of the body
  hang          no answer, the connection stays open
  empty         200 without a body          html          200 with a page of HTML
  long_body     bytes (default 10000000): 200 with that much white space before the JSON; status
  slow_body     bytes_per_second: the true answer, dribbled
  content_type  value: the true answer under a wrong Content-Type
  bare_conflict a 409 loses resourceId and resourceArn
  wrong_id      certificateId and certificateArn of the answer are somebody else's
  error_form    form: where the error code stands: "header" (default), "header_uri", "type", "code", "namespace", "none"
  close_after   the true answer, then the connection is closed without a word
And:
  latency       ms, jitter_ms: before the call takes effect; refusals wait too
"""
import hashlib
import time

from errors import AwsError

BEFORE = ("quota", "throttle", "error", "status", "cut_before", "redirect")
AFTER = ("cut_after", "half_answer", "hang", "empty", "html", "long_body", "slow_body", "content_type", "bare_conflict", "wrong_id",
         "error_form", "close_after")
COMMON = {"kind", "operations", "account", "region", "subjects", "probability", "first", "skip", "times", "effect"}
OWN = {"quota": {"rate", "burst", "window"}, "throttle": {"status"}, "error": {"code", "message", "status", "extra"},
       "status": {"status", "body"}, "cut_before": {"how"}, "cut_after": {"how"}, "half_answer": {"how"},
       "redirect": {"status", "location"}, "long_body": {"bytes", "status"}, "slow_body": {"bytes_per_second"},
       "content_type": {"value"}, "error_form": {"form"}, "latency": {"ms", "jitter_ms"}}
FORMS = ("header", "header_uri", "type", "code", "namespace", "none")

# AWS's defaults per account and region; the lowest of the published ones.
AWS_QUOTAS = {"AttachPolicy": 15, "ListAttachedPolicies": 15, "CreateThingType": 15, "CreateThing": 15, "AttachThingPrincipal": 15,
              "AddThingToThingGroup": 60, "UpdateThing": 100, "CreateThingGroup": 25, "DescribeThing": 350, "DescribeThingGroup": 100,
              "DescribeThingType": 100, "GetCallerIdentity": 1000}
AWS_QUOTA_OF_OTHERS = 10

PAGE = (b"<!DOCTYPE html><html><head><title>Service Unavailable</title></head>"
        b"<body><h1>Service Unavailable</h1><p>The server is temporarily unable.</p></body></html>")


class Bucket:
    """A token bucket, or windows of one second."""

    def __init__(self, rate, burst, fixed):
        self.rate, self.burst, self.fixed = rate, burst, fixed
        self.left, self.then = burst, time.monotonic()

    def take(self):
        now = time.monotonic()
        if self.fixed:
            if int(now) != int(self.then):
                self.left = self.rate
        else:
            self.left = min(self.burst, self.left + (now - self.then) * self.rate)
        self.then = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Rule:
    def __init__(self, number, raw, seed):
        self.kind = raw.get("kind")
        if self.kind not in BEFORE + AFTER + ("latency",):
            raise ValueError(f"kind {self.kind!r} is none")
        unknown = set(raw) - COMMON - OWN.get(self.kind, set())
        if unknown:
            raise ValueError(f"a rule of the kind {self.kind} has no {', '.join(sorted(unknown))}")
        if self.kind == "error_form" and raw.get("form") not in FORMS:
            raise ValueError(f"form: one of {', '.join(FORMS)}")
        if raw.get("window", "bucket") not in ("bucket", "second"):
            raise ValueError("window: bucket or second")
        self.raw, self.prefix = raw, f"{seed}/{number}/".encode()
        self.operations = set(raw["operations"]) if raw.get("operations") not in (None, "*") else None
        self.subjects = set(raw["subjects"]) if "subjects" in raw else None
        self.probability = raw.get("probability", 1)
        self.matched = self.hits = 0
        self.attempts, self.buckets = {}, {}

    def draw(self, call, count):
        """0..1, from the request and how often it came."""
        digest = hashlib.sha256(self.prefix + call.print + str(count).encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    def hit(self, call):
        raw = self.raw
        if self.operations is not None and call.operation not in self.operations:
            return False
        if raw.get("account", call.account) != call.account or raw.get("region", call.region) != call.region:
            return False
        if self.subjects is not None and not self.subjects & call.subjects():
            return False
        self.matched += 1
        if self.matched <= raw.get("skip", 0) or self.hits >= raw.get("times", 2**62):
            return False
        count = self._count(call)
        if count > raw.get("first", count):
            return False
        if self.probability < 1 and self.draw(call, count) >= self.probability:
            return False
        if self.kind == "quota" and self._bucket(call).take():
            return False
        self.hits += 1
        return True

    def _count(self, call):
        """How often this request has come; not kept by rules that do not ask."""
        if self.probability >= 1 and not {"first", "jitter_ms"} & self.raw.keys():
            return 1
        count = self.attempts[call.print] = self.attempts.get(call.print, 0) + 1
        return count

    def _bucket(self, call):
        name = (call.account, call.region, call.operation)
        if name not in self.buckets:
            rate = self.raw.get("rate", "aws")
            if rate == "aws":
                rate = AWS_QUOTAS.get(call.operation, AWS_QUOTA_OF_OTHERS)
            self.buckets[name] = Bucket(rate, self.raw.get("burst", rate), self.raw.get("window") == "second")
        return self.buckets[name]

    def delay(self, call):
        jitter = self.raw.get("jitter_ms", 0)
        return (self.raw.get("ms", 0) + (jitter * self.draw(call, self.attempts[call.print]) if jitter else 0)) / 1000


class Plan:
    """What is in store for one call."""

    def __init__(self):
        self.delay, self.before, self.after = 0, None, []


class Faults:
    def __init__(self):
        self.reset()

    def reset(self):
        self.rules = []

    def load(self, wanted):
        """Replaces all rules."""
        unknown = set(wanted) - {"seed", "rules"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        self.rules = [Rule(i, raw, wanted.get("seed", 0)) for i, raw in enumerate(wanted.get("rules", []))]

    def plan(self, call):
        plan = Plan()
        for rule in self.rules:
            if rule.kind in BEFORE and plan.before:
                continue
            if rule.hit(call):
                if rule.kind == "latency":
                    plan.delay += rule.delay(call)
                elif rule.kind in BEFORE:
                    plan.before = rule
                else:
                    plan.after.append(rule.raw)
        return plan

    def json(self):
        return [{"kind": r.kind, "matched": r.matched, "hits": r.hits} for r in self.rules]


def refusal(raw, answer):
    """Does to the answer what a rule of BEFORE says, or raises its AwsError."""
    kind = raw["kind"]
    if kind == "quota" or kind == "throttle" and raw.get("status", 400) == 400:
        raise AwsError("ThrottlingException", "Rate exceeded", 400)
    if kind == "throttle":
        raise AwsError("TooManyRequestsException", "Too Many Requests", raw["status"])
    if kind == "error":
        raise AwsError(raw["code"], raw.get("message", f"{raw['code']} on demand"), raw.get("status"), **raw.get("extra", {}))
    if kind == "cut_before":
        answer.cut = raw.get("how", "close")
    elif kind == "redirect":
        answer.status, answer.body = raw.get("status", 301), b""
        answer.headers["Location"] = raw.get("location", "https://example.invalid/")
    elif raw.get("body", "json") == "json":
        code = {500: "InternalFailureException", 503: "ServiceUnavailableException"}.get(raw["status"], "InternalFailureException")
        raise AwsError(code, "on demand", raw["status"])
    else:
        answer.status = raw["status"]
        answer.body = PAGE if raw["body"] == "html" else b""
        if answer.body:
            answer.headers["Content-Type"] = "text/html"
    return answer


def spoil(raw, answer):
    """Does to a true answer what a rule of AFTER says."""
    kind = raw["kind"]
    if kind == "cut_after":
        answer.cut = raw.get("how", "close")
    elif kind == "half_answer":
        answer.cut, answer.cut_at = raw.get("how", "close"), len(answer.body) // 2
    elif kind == "hang":
        answer.hang = True
    elif kind == "empty":
        answer.status, answer.body = 200, b""
    elif kind == "html":
        answer.status, answer.body = 200, PAGE
        answer.headers["Content-Type"] = "text/html"
    elif kind == "long_body":
        answer.status = raw.get("status", answer.status)
        answer.body = b" " * raw.get("bytes", 10000000) + answer.body
    elif kind == "slow_body":
        answer.rate = raw.get("bytes_per_second", 10)
    elif kind == "content_type":
        answer.headers["Content-Type"] = raw["value"]
    elif kind == "close_after":
        answer.close = True
