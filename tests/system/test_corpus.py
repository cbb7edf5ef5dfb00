"""Every case of the corpus, over HTTP."""
import pytest

import certs
import corpus
import csrs
import problems


def marks(case):
    return pytest.param(case, id=case.name, marks=[pytest.mark.short] if case.short else [])


def test_size():
    assert len(corpus.CASES) >= 100


@pytest.mark.parametrize("case", [marks(c) for c in corpus.CASES])
def test_case(line, case):
    made = case.make(csrs.device())
    before = certs.now()
    answer = line.client.enroll("lot", made.body, case.media)
    asked = (before, certs.now())
    if answer.status != 201 or "ok" not in case.want:
        problems.check(answer, *[w for w in case.want if w != "ok"] or ["a certificate"])
        return
    certificate = certs.check(answer.body, line.ca, made.key, made.subject, asked)
    assert answer.headers["Location"] == f"/v1/certificates/{certificate.serial_number:032x}"
    certs.check_by_tools(answer.body, line.ca)
    again = line.client.enroll("lot", made.body, case.media)
    assert (again.status, again.body) == (200, answer.body)
