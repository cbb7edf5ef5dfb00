"""
Signature Version 4, checked by computing it again with botocore's code. botocore makes the canonical request and the
string to sign; only the derived signing key (it changes once a day) is remembered here.
"""
import calendar
import hashlib
import hmac
import re
import time

import botocore.auth
import botocore.credentials
import botocore.loaders
from botocore.compat import HTTPHeaders

from errors import AwsError

# IoT's control plane was an API Gateway once: clients of before 2023, Debian's among them, sign for execute-api.
SERVICES = {"iot": "iot", "execute-api": "iot", "sts": "sts"}
TOLERANCE = 300
NOT_SIGNED = {"authorization", "connection", "expect", "user-agent", "x-amzn-trace-id", "transfer-encoding"}

HEADER = re.compile(r"AWS4-HMAC-SHA256\s+(.*)")
MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
            "and signing method. Consult the service documentation for details.")


def stamp(seconds):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


class Auth(botocore.auth.SigV4Auth):
    """botocore's, with the key of the day remembered. Whatever the client signed is signed here, user-agent too."""

    def __init__(self, access_key, secret, region, service):
        super().__init__(botocore.credentials.Credentials(access_key, secret), service, region)
        self._keys = {}

    def headers_to_sign(self, request):
        headers = HTTPHeaders()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers

    def signature(self, string_to_sign, request):
        day = request.context["timestamp"][:8]
        key = self._keys.get(day)
        if key is None:
            key = ("AWS4" + self.credentials.secret_key).encode()
            for part in (day, self._region_name, self._service_name, "aws4_request"):
                key = self._sign(key, part)
            self._keys = {day: key}
        return self._sign(key, string_to_sign, hex=True)


class Signed:
    """A request as botocore's code wants to see it: only what the client says it signed."""

    def __init__(self, request, names, timestamp):
        self.method = request.method
        self.url = f"http://{request.headers.get('host', '')}{request.path}"
        self.params = request.query
        self.headers = {n: request.headers[n] for n in names}
        if "x-amz-content-sha256" in self.headers:
            self.headers["X-Amz-Content-SHA256"] = self.headers.pop("x-amz-content-sha256")
        self.body = request.body
        self.context = {"timestamp": timestamp}


class Claim:
    """What the Authorization header says."""

    def __init__(self, text):
        match = HEADER.fullmatch(text)
        fields = dict(re.findall(r"\s*(\w+)=([^,]*?)\s*(?:,|$)", match.group(1))) if match else {}
        missing = [f for f in ("Credential", "Signature", "SignedHeaders") if not fields.get(f)]
        if missing:
            words = " ".join(f"Authorization header requires '{f}' parameter." for f in missing)
            raise AwsError("IncompleteSignatureException", words, 403)
        scope = fields["Credential"].split("/")
        if len(scope) != 5 or scope[4] != "aws4_request":
            raise AwsError("IncompleteSignatureException",
                           f"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
                           f"got '{fields['Credential']}'", 403)
        self.access_key, self.day, self.region, self.service = scope[:4]
        self.names = fields["SignedHeaders"].split(";")
        self.signature = fields["Signature"]


class Verifier:
    def __init__(self, accounts, clock):
        self.accounts, self.clock = accounts, clock
        self.auths = {}
        data = botocore.loaders.Loader().load_data("endpoints")
        self.partitions = {region: p["partition"] for p in data["partitions"] for region in p["regions"]}

    @staticmethod
    def claim(request):
        """Before anything is believed: which service and region the request says it is for."""
        text = request.headers.get("authorization")
        if not text:
            raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        return Claim(text)

    def verify(self, request, claim):
        """The Key that signed the request, or AwsError."""
        key = self.accounts.get(claim.access_key)
        if key is None:
            raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
        self._scope(request, claim)
        self._headers(request, claim)
        name = (claim.access_key, key.secret, claim.region, claim.service)
        auth = self.auths.get(name)
        if auth is None:
            auth = self.auths[name] = Auth(*name)
        signed = Signed(request, claim.names, self.timestamp(request))
        canonical = auth.canonical_request(signed)
        to_sign = auth.string_to_sign(signed, canonical)
        if not hmac.compare_digest(auth.signature(to_sign, signed), claim.signature):
            raise AwsError("SignatureDoesNotMatch",
                           f"{MISMATCH}\n\nThe Canonical String for this request should have been\n'{canonical}'\n\n"
                           f"The String-to-Sign should have been\n'{to_sign}'\n", 403)
        self._token(request, key)
        return key

    @staticmethod
    def timestamp(request):
        text = request.headers.get("x-amz-date", "")
        if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", text):
            raise AwsError("IncompleteSignatureException",
                           f"Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601", 403)
        return text

    def _scope(self, request, claim):
        text = self.timestamp(request)
        if claim.region not in self.partitions:
            raise AwsError("InvalidSignatureException", "Credential should be scoped to a valid region.", 403)
        if claim.service not in SERVICES:
            raise AwsError("InvalidSignatureException", "Credential should be scoped to correct service: 'iot'.", 403)
        if claim.day != text[:8]:
            raise AwsError("InvalidSignatureException",
                           f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                           f"'{claim.day}' != '{text[:8]}', from '{text}'.", 403)
        try:
            then = calendar.timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))
        except ValueError:
            raise AwsError("IncompleteSignatureException", f"Date '{text}' is none", 403) from None
        now = int(self.clock())
        if then < now - TOLERANCE:
            raise AwsError("InvalidSignatureException", f"Signature expired: {text} is now earlier than {stamp(now - TOLERANCE)} "
                           f"({stamp(now)} - 5 min.)", 403)
        if then > now + TOLERANCE:
            raise AwsError("InvalidSignatureException", f"Signature not yet current: {text} is still later than "
                           f"{stamp(now + TOLERANCE)} ({stamp(now)} + 5 min.)", 403)

    @staticmethod
    def _headers(request, claim):
        names = claim.names
        if names != sorted(set(names)) or any(n != n.lower() for n in names):
            raise AwsError("InvalidSignatureException", "SignedHeaders must be lower case, sorted and each once.", 403)
        if "host" not in names:
            raise AwsError("InvalidSignatureException",
                           "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.", 403)
        for name in names:
            if name not in request.headers:
                raise AwsError("InvalidSignatureException", f"The signed header '{name}' is not in the request.", 403)
        for name in request.headers:
            if (name.startswith("x-amz") or name == "content-type") and name not in NOT_SIGNED and name not in names:
                raise AwsError("InvalidSignatureException", f"'{name}' must be a 'SignedHeader' in the AWS Authorization.", 403)
        given = request.headers.get("x-amz-content-sha256")
        if given is not None and given != hashlib.sha256(request.body).hexdigest():
            raise AwsError("InvalidSignatureException", "The value of x-amz-content-sha256 is not the digest of the body.", 403)

    def _token(self, request, key):
        if request.headers.get("x-amz-security-token") != key.token:
            raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
        if key.expires_at is not None and self.clock() >= key.expires_at:
            raise AwsError("ExpiredTokenException", "The security token included in the request is expired", 403)
