"""
Signatures: random requests are signed by server/aws/sigv4.c (through tests/unit/aws/sigv4_sign.c) and by botocore, which must
agree on the canonical request and on the Authorization header.
"""
import datetime
import json
import os
import random
import string
import subprocess
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

REQUESTS = 1500
SEED = 20261120

HELPER = os.environ.get("SIGV4_SIGN", "")

# printable ASCII, letters of two to four bytes, and those that the issue names more often than the rest
CHARACTERS = string.printable.rstrip("\t\n\r\x0b\x0c") + "äß漢😀\x7f\t\n" + ":%+=@,/.~ " * 6
BASE64 = string.ascii_letters + string.digits + "+/="


def word(rng, low, high, characters=CHARACTERS):
    return "".join(rng.choice(characters) for _ in range(rng.randint(low, high)))


def encoded(rng, text):
    """As it goes over the wire: all but the unreserved escaped, and now and then what a path may have as it is."""
    return urllib.parse.quote(text, safe=rng.choice(["-_.~", "-_.~", "-_.~:@,+=!$&'()*;"]))


def path_of(rng):
    labels = [rng.choice([encoded(rng, word(rng, 1, 20)), encoded(rng, word(rng, 1, 8)), ".", "..", "", "things", "dev-1"])
              for _ in range(rng.randint(0, 5))]
    return "/" + "/".join(labels) + rng.choice(["", "", "/"])


def query_of(rng):
    names = [word(rng, 1, 6) for _ in range(3)] + ["marker", "pageSize", "a", "a-", "a.b", "A"]
    pairs = []
    for _ in range(rng.choice([0, 0, 1, 2, 3, 6])):
        name = urllib.parse.quote(rng.choice(names), safe="-_.~")
        value = urllib.parse.quote(rng.choice(["", word(rng, 0, 12), word(rng, 8, 40, BASE64), "true", "true"]), safe="-_.~")
        pairs.append(rng.choice([f"{name}={value}", f"{name}={value}", f"{name}={value}", name, f"{name}="]))
        if rng.random() < 0.2:
            pairs.append(rng.choice(pairs))
    return "&".join(pairs)


def host_of(rng):
    """Scheme, host as the URL has it, Host header."""
    scheme = rng.choice(["https", "http"])
    name = rng.choice(["iot.us-east-1.amazonaws.com", "sts.eu-central-1.amazonaws.com", "127.0.0.1", "[::1]", "[fd00:ec2::23]",
                       "localhost", "iot.cn-north-1.amazonaws.com.cn"])
    port = rng.choice([None, None, 443, 80, 8443, 18100])
    standard = {"https": 443, "http": 80}[scheme]
    return scheme, name + (f":{port}" if port else ""), name + (f":{port}" if port not in (None, standard) else "")


def header_value(rng):
    return word(rng, 0, 3, " \t") + "   ".join(word(rng, 0, 9, string.ascii_letters + string.digits + ",;=\"'/ \t")
                                               for _ in range(rng.randint(0, 4))) + word(rng, 0, 3, " \t")


def headers_of(rng):
    names = ["Content-Type", "X-Amzn-Principal", "x-amzn-iot-principal", "X-AMZ-Tagging", "x-a", "x-a-b", "X-Ab", "Zz"]
    return [[name, header_value(rng)] for name in rng.sample(names, rng.randint(0, 5))]


def body_of(rng):
    return rng.choice([b"", b"", b"{}", rng.randbytes(rng.randint(1, 4000)), word(rng, 1, 200).encode()])


def key_of(rng):
    return word(rng, 16, 128, BASE64)


def request_of(rng):
    scheme, authority, host = host_of(rng)
    return {
        "service": rng.choice(["iot", "sts", "iot"]),
        "region": rng.choice(["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"]),
        "method": rng.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
        "host": host,
        "path": path_of(rng),
        "query": query_of(rng),
        "headers": headers_of(rng),
        "body": body_of(rng).hex(),
        "access_key": word(rng, 16, 128, string.ascii_uppercase + string.digits),
        "secret_key": key_of(rng),
        "session_token": rng.choice(["", word(rng, 1, 2000, BASE64)]),
        "now": rng.randint(0, 4102444799),
        "url": f"{scheme}://{authority}",
    }


def botocore_signs(r):
    """Authorization and canonical request, at the moment of r."""
    date = datetime.datetime.fromtimestamp(r["now"], datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    credentials = botocore.credentials.Credentials(r["access_key"], r["secret_key"], r["session_token"] or None)
    signer = botocore.auth.SigV4Auth(credentials, r["service"], r["region"])
    request = botocore.awsrequest.AWSRequest(
        method=r["method"], url=r["url"] + r["path"] + ("?" + r["query"] if r["query"] else ""), data=bytes.fromhex(r["body"]))
    for name, value in r["headers"]:
        request.headers[name] = value
    # add_auth without its clock
    request.context["timestamp"] = date
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    signer._inject_signature_to_request(request, signature)
    return date, request.headers["Authorization"], canonical


@pytest.fixture(scope="module")
def signs():
    assert os.access(HELPER, os.X_OK), "SIGV4_SIGN names no program: build sigv4_sign"
    with subprocess.Popen([HELPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8") as helper:
        def ask(r):
            helper.stdin.write(json.dumps(r) + "\n")
            helper.stdin.flush()
            return json.loads(helper.stdout.readline())
        yield ask
        helper.stdin.close()
        assert helper.wait(10) == 0


def agree(r, ours):
    date, authorization, canonical = botocore_signs(r)
    assert "error" not in ours, (ours, r)
    assert ours["canonical"] == canonical, r
    assert ours["date"] == date, r
    assert ours["authorization"] == authorization, r


@pytest.mark.short
def test_random_requests(signs):
    rng = random.Random(SEED)
    for _ in range(REQUESTS):
        r = request_of(rng)
        agree(r, signs(r))


@pytest.mark.short
def test_every_character(signs):
    """Each byte that can stand in a label, a query name and a query value, escaped."""
    rng = random.Random(SEED)
    for byte in range(1, 256):
        r = request_of(rng)
        escaped = f"%{byte:02X}" if chr(byte) not in string.ascii_letters + string.digits + "-_.~" else chr(byte)
        r["path"] = f"/things/{escaped}x{escaped}"
        r["query"] = f"b=1&{escaped}a={escaped}&a={escaped}{escaped}"
        agree(r, signs(r))


def test_the_comparison_can_fail(signs):
    """Another request, another key, another moment: never the same signature."""
    r = request_of(random.Random(SEED))
    r.update(path="/things/a%3Ab", query="a=1", session_token="t", body=b"{}".hex(), headers=[["Content-Type", "x"]])
    first = signs(r)["authorization"].rpartition("=")[2]
    for change in ({"path": "/things/a:b"}, {"query": "a=2"}, {"body": b"{ }".hex()}, {"method": "TRACE"}, {"region": "x"},
                   {"service": "x"}, {"secret_key": "x"}, {"session_token": "u"}, {"now": r["now"] + 1}, {"host": "x"},
                   {"headers": [["Content-Type", "y"]]}):
        other = {**r, **change}
        if other == r:
            continue
        assert signs(other)["authorization"].rpartition("=")[2] != first, change
