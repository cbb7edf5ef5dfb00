"""
Clients of the AWS stand-in that are not ours: Debian's aws, botocore, and HTTP by hand with botocore's signature; and a CA
made with openssl as the guides make it.
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import time
from urllib.parse import quote

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session
import pytest

import aws
import limits

OPENSSL_CONFIG = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:TRUE
[no_ca]
basicConstraints = critical,CA:FALSE
"""


class CliError(Exception):
    """What the aws command said on stderr: code and message, as it prints them."""

    def __init__(self, code, text):
        super().__init__(text)
        self.exit = code
        found = re.search(r"An error occurred \((\w+)\) when calling the (\w+) operation(?: \([^)]*\))?: (.*)", text, re.S)
        self.code, self.operation, self.message = found.groups() if found else (None, None, text.strip())


def cli(cloud, *words, env=None):
    """Debian's aws command: its JSON, or CliError. The PATH's own aws may be another one."""
    done = subprocess.run(["/usr/bin/aws", "--endpoint-url", cloud.url, "--output", "json", *map(str, words)], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=limits.seconds(60), env=env or cloud.env(AWS_MAX_ATTEMPTS="1"))
    if done.returncode:
        raise CliError(done.returncode, done.stderr)
    return json.loads(done.stdout) if done.stdout.strip() else None


def client(cloud, service="iot", key=aws.KEY, secret=aws.SECRET, token=None, region=aws.REGION, attempts=1, **config):
    """A botocore client that checks no parameter itself: that is the stand-in's work."""
    session = botocore.session.Session()
    for name in ("config_file", "credentials_file"):
        session.set_config_variable(name, os.devnull)
    session.set_config_variable("profile", None)
    settings = botocore.config.Config(parameter_validation=False, retries={"total_max_attempts": attempts, "mode": "standard"},
                                      proxies={}, **config)
    return session.create_client(service, region_name=region, endpoint_url=cloud.url, aws_access_key_id=key,
                                 aws_secret_access_key=secret, aws_session_token=token, config=settings)


@contextlib.contextmanager
def refused(code, status=None, words=""):
    """The AWS error a block must end with; the response appears in what it yields."""
    seen = {}
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield seen
    seen.update(caught.value.response)
    assert seen["Error"]["Code"] == code, seen
    assert status is None or seen["ResponseMetadata"]["HTTPStatusCode"] == status, seen
    assert words in seen["Error"].get("Message", ""), seen


def signed(cloud, method, target, body=b"", headers=(), key=aws.KEY, secret=aws.SECRET, region=aws.REGION, service="iot", skew=0,
           token=None):
    """The headers of a request, signed with botocore's code for the time now + skew."""
    request = botocore.awsrequest.AWSRequest(method, cloud.url + target, data=body, headers=dict(headers))
    request.headers["Host"] = f"127.0.0.1:{cloud.port}"
    request.headers["X-Amz-Date"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + skew))
    if token:
        request.headers["X-Amz-Security-Token"] = token
    request.context["timestamp"] = request.headers["X-Amz-Date"]
    auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret), service, region)
    to_sign = auth.string_to_sign(request, auth.canonical_request(request))
    auth._inject_signature_to_request(request, auth.signature(to_sign, request))
    return dict(request.headers.items())


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.code = (headers.get("x-amzn-ErrorType") or "").partition(":")[0]

    def json(self):
        return json.loads(self.body)


def send(cloud, method, target, body=b"", headers=None, connection=None, timeout=10):
    """One request as it is, over a connection of its own unless one is given."""
    line = connection or http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=limits.seconds(timeout))
    try:
        line.request(method, target, body or None, headers or {})
        got = line.getresponse()
        return Reply(got.status, got.headers, got.read())
    finally:
        if connection is None:
            line.close()


def call(cloud, method, target, what=None, connection=None, timeout=10, **kw):
    """A signed request with a JSON body."""
    body, headers = b"", dict(kw.pop("headers", ()))
    if what is not None:
        body = json.dumps(what).encode()
        headers["Content-Type"] = "application/json"
    return send(cloud, method, target, body, signed(cloud, method, target, body, headers, **kw), connection, timeout)


class Authority:
    """A CA in a folder, made with openssl."""

    def __init__(self, folder, name="Line CA", extensions="ca", key=("EC", "ec_paramgen_curve:P-256")):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "openssl.cnf").write_text(OPENSSL_CONFIG)
        self._key("ca.key", key)
        self.openssl("req", "-x509", "-new", "-key", "ca.key", "-sha256", "-days", 30, "-subj", f"/CN={name}",
                     "-config", "openssl.cnf", "-extensions", extensions, "-out", "ca.pem")
        self.path = self.folder / "ca.pem"
        self.pem = self.path.read_text()
        self.id = fingerprint(self.path)
        self.count = 0

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=self.folder, timeout=limits.seconds(60))

    def _key(self, name, kind=("EC", "ec_paramgen_curve:P-256")):
        self.openssl("genpkey", "-algorithm", kind[0], "-pkeyopt", kind[1], "-out", name)

    def issue(self, name, days=1, key=("EC", "ec_paramgen_curve:P-256"), digest="sha256", faked=None):
        """The path of a certificate for CN=name. faked: another Authority whose key signs in this one's name."""
        self.count += 1
        stem = f"{self.count}"
        self._key(f"{stem}.key", key)
        self.openssl("req", "-new", "-key", f"{stem}.key", "-subj", f"/CN={name}", "-config", "openssl.cnf", "-out", f"{stem}.csr")
        self.openssl("x509", "-req", "-in", f"{stem}.csr", "-CA", faked.path if faked else "ca.pem", "-CAkey",
                     faked.folder / "ca.key" if faked else "ca.key", "-CAcreateserial", f"-{digest}", "-days", days,
                     "-out", f"{stem}.pem")
        return self.folder / f"{stem}.pem"


def fingerprint(path):
    """A certificate's id as the guides find it: openssl's SHA-256 fingerprint."""
    out = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"], check=True, capture_output=True,
                         text=True).stdout
    return out.rpartition("=")[2].strip().replace(":", "").lower()


def register_ca(iot, ca, active=True, **more):
    """Through botocore: the code, a verification certificate, the CA."""
    code = iot.get_registration_code()["registrationCode"]
    proof = ca.issue(code).read_text()
    return iot.register_ca_certificate(caCertificate=ca.pem, verificationCertificate=proof, setAsActive=active, **more)


def label(text):
    """A label of a path, encoded as AWS wants it."""
    return quote(text, safe="-_.~")
