"""EST as RFC 7030 has it, over TLS: who shows a certificate, renewing, and keys that are made on the line server."""
import email
import email.policy

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import client
import csrs
import est
import home as homes
import keys


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    shared = est.Site(tmp_path_factory.mktemp("site") / "home")
    yield shared
    shared.stop()


@pytest.fixture
def tls(site):
    with est.Client(site) as c:
        yield c


# ---- TLS

@pytest.mark.short
def test_enroll_with_a_token(site, tls):
    cn = csrs.device()
    key, csr = csrs.fresh(cn)
    est.check(est.enroll(tls, csr, "lot", **est.basic("estuser", site.token)), site.ca, key, {"CN": cn})
    answer = est.enroll(tls, csrs.good(), "lot")
    est.refused(answer, 401)
    assert answer.headers["WWW-Authenticate"] == f'Basic realm="estserver@localhost:{site.port}"'


def test_not_without_tls(site):
    """RFC 7030 3.3; the rest of the server answers there all the same."""
    with client.Client(site.server) as c:
        for operation in ("cacerts", "csrattrs"):
            assert c.get(est.path(operation)).status in (400, 403, 404)
        answer = est.enroll(c, csrs.fresh()[1], "lot", **est.basic("", site.token))
        assert answer.status in (400, 403, 404), str(answer)
        assert c.get("/healthz").status == 200


def test_switched_off(home, start):
    home.configure("doors", "est", "no")
    home.batch("lot", 5)
    with client.Client(start(home)) as c:
        assert c.get(est.path("cacerts")).status == 404
        assert est.enroll(c, csrs.good(), "lot").status == 404


# ---- renewing (RFC 7030 4.2.2)

def renew(site, device, csr, label="lot", **headers):
    with est.Client(site, device[:2]) as c:
        return est.enroll(c, csr, label, operation="simplereenroll", **headers)


@pytest.mark.short
def test_renew_with_a_new_key(site, tmp_path):
    """The device's own certificate is right enough, no token; the new one is of the same device."""
    device = site.device(tmp_path)
    cn = device[2]
    key, csr = csrs.fresh(cn)
    first = renew(site, device, csr)
    est.check(first, site.ca, key, {"CN": cn})
    assert renew(site, device, csr).body == first.body, "the same request, the same certificate"
    assert len(site.home.certificates("--device", cn)) == 2

    next_key, next_csr = csrs.fresh(cn)
    renewed = est.files(tmp_path, est.certificate(first), key)
    est.check(renew(site, renewed, next_csr), site.ca, next_key, {"CN": cn})


def test_only_the_newest_certificate_renews(site, tmp_path):
    """Who finds the key that was replaced does not get the device back."""
    device = site.device(tmp_path)
    cn = device[2]
    est.certificate(renew(site, device, csrs.fresh(cn)[1]))
    est.refused(renew(site, device, csrs.fresh(cn)[1]), 403, "newest")
    assert len(site.home.certificates("--device", cn)) == 2


def test_renew_with_the_same_key(site, tmp_path):
    """In its batch that is the same request, in another an order of its own."""
    site.home.batch("next-year", 10)
    key_file = (device := site.device(tmp_path))[1]
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    old = x509.load_pem_x509_certificate(device[0].read_bytes())
    csr = csrs.plain(key, device[2])
    assert est.certificate(renew(site, device, csr)) == old
    assert est.certificate(renew(site, device, csr, "next-year")).serial_number != old.serial_number


def test_renew_another_subject(site, tmp_path):
    """Same subject, same SAN, or it is no renewal."""
    device = site.device(tmp_path)
    cn = device[2]
    key = keys.elliptic()
    san = csrs.extension_request(csrs.extension("2.5.29.17", b"\x30\x0b\x82\x09localhost"))
    for csr in (csrs.fresh()[1], csrs.request(key, csrs.name(("O", "ACME"), ("CN", cn))),
                csrs.request(key, csrs.name(("CN", cn)), attrs=csrs.attributes(san))):
        est.refused(renew(site, device, csr), 403)
    assert len(site.home.certificates("--device", cn)) == 1


def test_a_token_renews_nothing(site, tls, tmp_path):
    """A station's right is for new devices: a second key for a device needs the device's certificate."""
    cn = site.device(tmp_path)[2]
    answer = est.enroll(tls, csrs.fresh(cn)[1], "lot", operation="simplereenroll", **est.basic("", site.token))
    est.refused(answer, 403, "certificate")
    est.refused(est.enroll(tls, csrs.fresh(cn)[1], "lot", **est.basic("", site.token)), 403, cn)


def test_a_renewed_devices_old_key_stays_its_own(site, tls, tmp_path):
    device = site.device(tmp_path)
    old_key = serialization.load_pem_private_key(device[1].read_bytes(), None)
    est.certificate(renew(site, device, csrs.fresh(device[2])[1]))
    clone = csrs.plain(old_key, csrs.device())
    est.refused(est.enroll(tls, clone, "lot", **est.basic("", site.token)), 403, device[2])


def test_a_device_enrolls_nobody_else(site, tmp_path):
    device = site.device(tmp_path)
    with est.Client(site, device[:2]) as c:
        answer = est.enroll(c, csrs.fresh()[1], "lot")
        assert answer.status in (401, 403), str(answer)


def test_a_certificate_of_somebody_elses_ca(site, tmp_path):
    """Nobody knows that CA: as good as none, or refused."""
    other = homes.Home(tmp_path / "other").init()
    other.configure("doors", "est", "plain")
    other.batch("lot", 5)
    cn = site.device(tmp_path)[2]
    with est.servers.Server(other) as server, client.Client(server) as c:
        key, csr = csrs.fresh(cn)
        stranger = est.files(tmp_path, est.certificate(est.enroll(c, csr)), key)
    with est.Client(site, stranger) as c:
        answer = est.enroll(c, csrs.fresh(cn)[1], "lot", operation="simplereenroll")
        assert answer.status in (401, 403), str(answer)
        est.refused(answer, answer.status)


@pytest.mark.parametrize("rule", ["token", "loopback", "open"])
def test_whoever_may_enroll_a_device_renews(tmp_path, rule):
    """Its own certificate is its right, whatever lineca.conf says of enrolling."""
    site = est.Site(tmp_path / "home", rule)
    try:
        device = site.device(tmp_path)
        est.certificate(renew(site, device, csrs.fresh(device[2])[1]))
        with est.Client(site) as c:
            answer = est.enroll(c, csrs.fresh(device[2])[1], "lot", operation="simplereenroll")
            assert answer.status in (401, 403), str(answer)
    finally:
        site.stop()


# ---- keys that are made here (RFC 7030 4.4)

def keygen(site, c, csr, label="keygen"):
    return est.enroll(c, csr, label, operation="serverkeygen", **est.basic("", site.token))


def parts(answer):
    """The two parts, by Python's reader of MIME; their headers and lines must be exactly right."""
    assert answer.status == 200, str(answer)
    assert answer.headers.get_all("Content-Length") == [str(len(answer.body))] and answer.headers["Transfer-Encoding"] is None
    assert answer.headers["Cache-Control"] == "no-store"
    head = f"Content-Type: {answer.headers['Content-Type']}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    whole = email.message_from_bytes(head + answer.body, policy=email.policy.HTTP)
    assert whole.get_content_type() == "multipart/mixed" and not whole.defects
    pieces = answer.body.split(b"--" + whole.get_boundary().encode())
    assert (len(pieces), pieces[0], pieces[3]) == (4, b"", b"--\r\n")
    out = []
    for piece, part, media in zip(pieces[1:], whole.iter_parts(), ("application/pkcs8", est.CERTIFICATE)):
        head, lines = piece.removesuffix(b"\r\n").split(b"\r\n\r\n", 1)
        assert head == f"\r\nContent-Type: {media}\r\nContent-Transfer-Encoding: base64".encode()
        out.append(est.decode(lines))
        assert part.get_content() == out[-1], "as a reader of MIME has it"
    return out


@pytest.mark.short
@pytest.mark.parametrize("like", [lambda: keys.elliptic(), lambda: keys.elliptic(keys.P384), lambda: keys.rsa_key(2048)],
                         ids=["p256", "p384", "rsa2048"])
def test_keygen(site, tls, like):
    """A new key of the kind of the one that was sent, in PKCS#8, and its certificate."""
    sent, cn = like(), csrs.device()
    key_der, bag = parts(keygen(site, tls, csrs.plain(sent, cn)))
    key = serialization.load_der_private_key(key_der, None)
    assert type(key) is type(sent) and key.key_size == sent.key_size
    assert keys.spki_of(key) != keys.spki_of(sent)
    (issued,) = est.bag(bag)
    est.certs.check(csrs.pem(issued.public_bytes(serialization.Encoding.DER), "CERTIFICATE") + site.ca, site.ca, key, {"CN": cn})
    assert len(site.home.certificates("--device", cn)) == 1


def test_keygen_keeps_nothing(site, tls):
    """Neither in the home nor in the log."""
    key_der, _ = parts(keygen(site, tls, csrs.fresh()[1]))
    key = serialization.load_der_private_key(key_der, None)
    needles = keys.secrets_of(key, keys.private_bytes(key, "pkcs8"))
    assert site.home.holding(needles) == []
    log = site.server.log().encode()
    assert not [n for n in needles if n in log]


def test_keygen_without_a_signature(site, tls):
    """RFC 7030 4.4.1: who has no key cannot sign; the request's key only says of what kind."""
    cn = csrs.device()
    csr = csrs.plain(keys.elliptic(), cn)
    key_der, _ = parts(keygen(site, tls, csr[:-1] + bytes([csr[-1] ^ 1])))
    serialization.load_der_private_key(key_der, None)


def test_keygen_twice(site, tls):
    """The key was not kept, so the same cannot be given again: a second one would be a second key for the device."""
    cn = csrs.device()
    csr = csrs.fresh(cn)[1]
    parts(keygen(site, tls, csr))
    est.refused(keygen(site, tls, csr), 403, cn)
    assert len(site.home.certificates("--device", cn)) == 1


def test_keygen_only_where_the_profile_says_so(site, tls):
    est.refused(keygen(site, tls, csrs.fresh()[1], "lot"), 403, "lot")
    assert site.home.batch_show("lot")["issued"] == len(site.home.certificates("--batch", "lot"))


def test_keygen_needs_a_right(site, tls):
    est.refused(est.enroll(tls, csrs.fresh()[1], "keygen", operation="serverkeygen"), 401)


def test_keygen_not_without_tls(home, start):
    home.configure("doors", "est", "plain")
    home.configure("profile factory", "server_keygen", "yes")
    home.batch("keygen", 5, "--profile", "factory")
    with client.Client(start(home)) as c:
        est.refused(est.enroll(c, csrs.fresh()[1], "keygen", operation="serverkeygen"), 403, "TLS")
    assert home.certificates() == []
