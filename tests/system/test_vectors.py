"""The requests of Debian's python3-cryptography-vectors."""
import glob
import os

import pytest

import certs
import problems

HERE = "/usr/lib/python3/dist-packages/cryptography_vectors/x509/requests"
FILES = sorted(glob.glob(HERE + "/*"))

# 2048 and 1024 bit keys, digests of their day: what each is refused for; those not named here may be refused for anything
WANT = {
    "bad-version.pem": {"csr_malformed"},
    "dsa_sha1.pem": {"key_rejected", "subject_rejected"}, "dsa_sha1.der": {"key_rejected", "subject_rejected"},
    "rsa_md4.pem": {"key_rejected", "subject_rejected"}, "rsa_md4.der": {"key_rejected", "subject_rejected"},
    "rsa_sha1.pem": {"key_rejected", "subject_rejected"}, "rsa_sha1.der": {"key_rejected", "subject_rejected"},
    "san_rsa_sha1.pem": {"key_rejected", "subject_rejected"}, "san_rsa_sha1.der": {"key_rejected", "subject_rejected"},
    "two_basic_constraints.pem": {"csr_malformed"},
}


def test_there():
    assert len(FILES) >= 20


@pytest.mark.parametrize("path", FILES, ids=os.path.basename)
def test_request(line, path):
    with open(path, "rb") as f:
        answer = line.client.enroll("lot", f.read(), "text/plain")
    if answer.status in (200, 201):
        assert os.path.basename(path) not in WANT
        certs.leaf_of(answer)
    else:
        # the same key stands in several of the files, under other names and under none
        wanted = WANT.get(os.path.basename(path), set(problems.OF_A_CSR) | {"key_reused", "device_exists"})
        problems.check(answer, *wanted)
