"""The problem documents of the interface (RFC 9457) and their codes."""

STATUS = {
    "bad_request": 400, "csr_malformed": 400, "csr_signature_invalid": 400, "private_key_posted": 400,
    "key_rejected": 422, "subject_rejected": 422,
    "media_type": 415, "body_too_large": 413, "method_not_allowed": 405, "not_found": 404,
    "batch_not_found": 404, "batch_ambiguous": 409, "batch_closed": 403, "batch_waiting": 403, "batch_full": 403, "device_not_listed": 403,
    "device_exists": 409, "conflict": 409, "key_reused": 409,
    "unauthorized": 401, "forbidden": 403, "too_many_requests": 429,
    "busy": 503, "storage_failed": 503, "clock_invalid": 503, "draining": 503, "ca_expired": 503,
    "disk_low": 507, "internal": 500,
}

# what a CSR alone can be refused with
OF_A_CSR = ("csr_malformed", "csr_signature_invalid", "private_key_posted", "key_rejected", "subject_rejected")


def check(answer, *codes):
    """Asserts a well-formed problem document with one of the codes, and returns it."""
    assert answer.type == "application/problem+json", f"{answer}: not a problem document"
    doc = answer.json()
    for field in ("type", "title", "status", "detail", "code"):
        assert field in doc, f"{answer}: no {field}"
    assert doc["code"] in STATUS, f"{answer}: unknown code"
    assert not codes or doc["code"] in codes, f"{answer}: wanted {' or '.join(codes)}"
    assert doc["status"] == answer.status == STATUS[doc["code"]], f"{answer}: status does not fit the code"
    assert len(doc["detail"]) >= 10 and doc["detail"].strip() == doc["detail"], f"{answer}: no sentence in detail"
    if answer.status in (429, 503):
        assert int(answer.headers["Retry-After"]) > 0, f"{answer}: no Retry-After"
    return doc
