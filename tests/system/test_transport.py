"""server/aws/transport.c against a real server that misbehaves (peer.py)."""
import ssl
import subprocess
import threading
import time

import pytest

import limits
import peer as peers
from aws_tool import Tool

ANSWER_MAX = 1024 * 1024


@pytest.fixture
def peer():
    with peers.Peer() as p:
        yield p


@pytest.fixture
def tool():
    with Tool() as t:
        yield t


class Pki:
    """Two authorities; a server's certificate of the first for 127.0.0.1, one for another name, one that is over."""

    def __init__(self, folder):
        self.folder = folder
        for ca in ("ca", "other"):
            self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                          "-subj", f"/CN={ca}", "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", f"{ca}.key", "-out", f"{ca}.pem")
        self._server("good", "IP:127.0.0.1")
        self._server("elsewhere", "DNS:iot.example.com")
        self._server("over", "IP:127.0.0.1", "-not_after", "20200101000000Z", "-not_before", "20190101000000Z")

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder, timeout=limits.seconds(30))

    def _server(self, name, san, *dates):
        (self.folder / f"{name}.cnf").write_text(f"subjectAltName={san}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")
        if dates:
            (self.folder / "index").write_text("")
            (self.folder / "ca.cnf").write_text("[ca]\ndefault_ca=c\n[c]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\n"
                                                "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
            self._openssl("ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr", "-out",
                          f"{name}.pem", "-extfile", f"{name}.cnf", "-startdate", dates[3], "-enddate", dates[1], "-notext")
        else:
            self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "5",
                          "-extfile", f"{name}.cnf", "-out", f"{name}.pem")

    def path(self, name):
        return str(self.folder / name)

    def context(self, name, **kw):
        return peers.context(self.path(f"{name}.pem"), self.path(f"{name}.key"), **kw)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def secure(pki):
    with peers.Peer(pki.context("good")) as p:
        yield p


NO_NAMES = """
import fcntl, os, socket, struct, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(server, 0x8914, struct.pack("16sh14x", b"lo", 0x49))  # SIOCSIFFLAGS: lo is up
server.bind(("127.0.0.1", 53))
server.set_inheritable(True)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def without_names(tmp_path):
    """The words before a command that let it run where the name server takes questions and never answers."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (tmp_path / "server.py").write_text(NO_NAMES)
    (tmp_path / "run").write_text(f'mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && exec /usr/bin/python3 {tmp_path}/server.py "$@"\n')
    words = ["unshare", "-rmn", "sh", str(tmp_path / "run")]
    done = subprocess.run([*words, "/bin/true"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no namespaces here: {done.stderr.strip()}")
    return words


def test_a_name_server_that_never_answers(without_names):
    """Not even the end of a call waits for getaddrinfo, whose own time-out is 10 s."""
    with Tool(before=without_names) as t:
        nowhere = "https://iot.eu-central-1.amazonaws.com/"
        got = t.http(*[dict(url=nowhere, connect_timeout_ms=n * 300) for n in (1, 2, 3)])
        assert [r["result"] for r in got] == ["not_sent"] * 3, got
        assert all(n * 300 - 50 < r["took_ms"] < limits.seconds(2.5) * 1000 for n, r in zip((1, 2, 3), got)), got


# what is sent

def test_get_after_post_has_no_body(tool, peer):
    tool.ask("new", connections=1)
    assert tool.http(dict(method="POST", url=peer.url + "/ok", body='{"a":1}', headers=["Content-Type: application/json"]))[0]["status"] == 200
    assert tool.http(dict(method="GET", url=peer.url + "/ok"))[0]["status"] == 200
    assert tool.http(dict(method="PUT", url=peer.url + "/ok"))[0]["status"] == 200
    assert tool.http(dict(method="GET", url=peer.url + "/ok"))[0]["status"] == 200
    assert tool.http(dict(method="DELETE", url=peer.url + "/ok"))[0]["status"] == 200
    assert tool.http(dict(method="POST", url=peer.url + "/ok", body=""))[0]["status"] == 200
    post, get, put, again, delete, empty = peer.requests
    assert (post.method, post.body, post.one("content-length"), post.one("content-type")) == ("POST", b'{"a":1}', "7", "application/json")
    for r in (get, again):
        assert (r.method, r.body, r.one("content-length"), r.one("content-type")) == ("GET", b"", None, None)
    for r, method in ((put, "PUT"), (delete, "DELETE"), (empty, "POST")):
        assert (r.method, r.body, r.one("content-length"), r.one("content-type")) == (method, b"", "0", None)
    assert {r.connection for r in peer.requests} == {1}


def test_headers_of_our_own(tool, peer):
    tool.http(dict(method="POST", url=peer.url + "/ok", body="x" * 1500000, headers=["Host: iot.example.com", "X-A: b"]))
    tool.http(dict(url=peer.url + "/ok"))
    first, second = peer.requests
    assert len(first.body) == 1500000 and first.one("host") == "iot.example.com" and first.one("x-a") == "b"
    assert second.one("host") == f"127.0.0.1:{peer.port}"
    for r in peer.requests:
        assert r.one("user-agent").startswith("lineca/")
        for name in ("expect", "accept-encoding", "cookie", "authorization", "upgrade", "te", "transfer-encoding"):
            assert r.one(name) is None, name


def test_path_and_query_as_they_are(tool, peer):
    for target in ("/a/../b?x=%2F&y", "/things/line%3A1/principals", "/p%2B1%3D%40x", "//a//b/?", "/a?b=ab%2Bc%2F%3D%3D"):
        tool.http(dict(url=peer.url + target))
        assert peer.requests[-1].target == target


def test_no_cookies_no_netrc_no_alt_svc(peer, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login l password p\n")
    with Tool(env={"HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc")}) as tool:
        for _ in range(3):
            assert tool.http(dict(url=peer.url + "/cookie"))[0]["status"] == 200
    for r in peer.requests:
        assert r.one("cookie") is None and r.one("authorization") is None
    assert len(peer.requests) == 3


@pytest.mark.parametrize("url, err", [
    ("http://192.0.2.1/", "config"), ("http://127.0.0.1.example.com/", "config"), ("http://localhost.example.com/", "config"),
    ("http://[2001:db8::1]/", "config"), ("ftp://127.0.0.1/", "config"), ("file:///etc/passwd", "config"), ("", "config"),
    ("https://", "config"), ("http://127.0.0.1/a\r\nX: y", "config"), ("http://169.253.169.254/", "config"),
    ("http://localhost@192.0.2.1/", "config"),
])
def test_where_it_may_go(tool, url, err):
    got = tool.http(dict(url=url))[0]
    assert got["err"] == err and got["err_text"], got


def test_plain_http_to_this_machine(tool):
    with peers.Peer(host="::1") as six, peers.Peer() as four:
        assert tool.http(dict(url=six.url + "/ok"))[0]["status"] == 200
        assert tool.http(dict(url=f"http://localhost:{four.port}/ok"))[0]["status"] == 200


def test_a_header_cannot_hold_another(tool, peer):
    for bad in ("A: b\r\nC: d", "A: b\nC: d", "A: \x01"):
        assert tool.http(dict(url=peer.url + "/ok", headers=[bad]))[0]["err"] == "internal"
    assert not peer.requests


# what comes

def test_headers_of_an_answer(tool, peer):
    got, none = tool.http(dict(url=peer.url + "/names"), dict(url=peer.url + "/ok"))
    assert got == {**got, "result": "answered", "text": "", "status": 400, "body": "{}", "error_type": "Foo:http://x/",
                   "request_id": "r-1", "content_type": "application/json", "date": "Mon, 23 Nov 2026 03:17:22 GMT",
                   "retry_after": "7"}
    assert [none[k] for k in ("error_type", "request_id", "content_type", "date", "retry_after")] == [""] * 5


def test_any_status_is_an_answer(tool, peer):
    for status in (200, 204, 301, 304, 400, 401, 403, 404, 407, 429, 500, 503, 599):
        got = tool.http(dict(method="POST", url=f"{peer.url}/status/{status}", body="{}"))[0]
        assert (got["result"], got["status"]) == ("answered", status)


def test_an_answer_before_the_answer(tool, peer):
    got = tool.http(dict(url=peer.url + "/early"))[0]
    assert (got["result"], got["status"], got["body"], got["request_id"]) == ("answered", 200, "hi", ""), got


def test_redirects_are_not_followed(tool, peer):
    got = tool.http(dict(url=peer.url + "/redirect"))[0]
    assert (got["status"], peer.targets()) == (301, ["/redirect"])


@pytest.mark.parametrize("kind", ["bytes", "chunks"])
def test_the_length_of_an_answer(tool, peer, kind):
    fits, over, after = tool.http(dict(url=f"{peer.url}/{kind}/{ANSWER_MAX}"), dict(url=f"{peer.url}/{kind}/{ANSWER_MAX + 1024}"),
                                  dict(url=f"{peer.url}/{kind}/2048"))
    assert (fits["result"], fits["body_len"]) == ("answered", ANSWER_MAX)
    assert over["result"] == "too_large" and over["status"] == 0 and "longer than" in over["text"], over
    assert (after["result"], after["body_len"]) == ("answered", 2048)


def test_one_byte_too_many(tool, peer):
    assert tool.http(dict(url=f"{peer.url}/bytes/{ANSWER_MAX + 1}"))[0]["result"] == "too_large"


def test_the_length_of_its_headers(tool, peer):
    assert tool.http(dict(url=peer.url + "/headers/30"))[0]["result"] == "answered"
    assert tool.http(dict(url=peer.url + "/headers/90"))[0]["result"] == "too_large"


# what goes wrong

def test_never_sent(tool):
    with peers.Peer() as gone:
        pass
    refused = tool.http(dict(method="POST", url=gone.url + "/ok", body="{}"))[0]
    assert refused["result"] == "not_sent" and "connect" in refused["text"].lower(), refused
    unknown = tool.http(dict(method="POST", url="https://no-such-host.invalid/ok", body="{}", timeout_ms=5000))[0]
    assert unknown["result"] == "not_sent", unknown
    with peers.Peer(deaf=True) as deaf:
        silent = tool.http(dict(url=deaf.url.replace("http:", "https:"), connect_timeout_ms=300))[0]
        assert silent["result"] == "not_sent" and 250 < silent["took_ms"] < 5000, silent
        whole = tool.http(dict(url=deaf.url.replace("http:", "https:"), timeout_ms=300))[0]
        assert whole["result"] == "not_sent", whole
    with peers.Peer(slams=True) as slams:
        cut = tool.http(dict(url=slams.url.replace("http:", "https:")))[0]
        assert cut["result"] == "not_sent", cut


@pytest.mark.parametrize("how", ["cut", "reset", "cut_head", "cut_body"])
def test_lost(tool, peer, how):
    got = tool.http(dict(method="POST", url=f"{peer.url}/{how}", body="{}"))[0]
    assert got["result"] == "lost" and got["text"] and got["status"] == 0, got
    assert peer.targets() == [f"/{how}"]


def test_lost_on_a_kept_connection(tool, peer):
    tool.ask("new", connections=1)
    tool.http(dict(url=peer.url + "/ok"))
    got = tool.http(dict(method="POST", url=peer.url + "/cut", body="{}"))[0]
    assert got["result"] == "lost", got
    # sent once more, for the server may only have grown tired of the connection
    assert peer.targets() == ["/ok", "/cut", "/cut"]


def test_lost_and_nobody_there_any_more(tool):
    with peers.Peer() as p:
        tool.ask("new", connections=1)
        assert tool.http(dict(url=p.url + "/ok"))[0]["result"] == "answered"
        p.deafen()
        got = tool.http(dict(method="POST", url=p.url + "/cut", body="{}"))[0]
    # the second attempt found no server, but the first had been sent
    assert got["result"] == "lost" and p.targets() == ["/ok", "/cut"], got


def test_no_answer_in_time(tool, peer):
    got = tool.http(dict(method="POST", url=peer.url + "/hang", body="{}", timeout_ms=400))[0]
    assert got["result"] == "lost" and 350 < got["took_ms"] < 5000, got


def test_no_answer_in_time_on_a_kept_connection(tool, peer):
    tool.ask("new", connections=1)
    tool.http(dict(url=peer.url + "/ok"))
    got = tool.http(dict(method="POST", url=peer.url + "/hang", body="{}", timeout_ms=400))[0]
    assert got["result"] == "lost" and {r.connection for r in peer.requests} == {1}, got


def test_errors_hold_no_secret(tool, peer):
    for path in ("/cut", "/hang", "/bytes/9999999"):
        got = tool.http(dict(method="POST", url=peer.url + path, body="s3cret", timeout_ms=300, headers=["Authorization: s3cret"]))[0]
        assert got["text"] and "s3cret" not in got["text"]


# connections

def test_connections_are_kept(tool, peer):
    tool.ask("new", connections=1)
    for i in range(20):
        assert tool.http(dict(method=("GET", "POST", "PUT")[i % 3], url=f"{peer.url}/ok"))[0]["status"] == 200
    assert peer.connections == 1 and len(peer.requests) == 20


def test_no_more_connections_than_allowed(tool, peer):
    tool.ask("new", connections=3)
    # the wait for a place is no part of the time a call has
    calls = [dict(url=f"{peer.url}/wait/200?{i}", timeout_ms=limits.seconds(1) * 600) for i in range(15)]
    got = tool.http(*calls)
    assert {r["result"] for r in got} == {"answered"}
    assert peer.most == 3 and peer.connections == 3
    assert max(r["took_ms"] for r in got) > 900


def test_first_come_first_served(tool, peer):
    tool.ask("new", connections=1)
    tool.http(*(dict(url=f"{peer.url}/ok?{i}") for i in range(50)))
    assert peer.targets() == [f"/ok?{i}" for i in range(50)]


def test_one_slow_answer_holds_up_nobody(tool, peer):
    tool.ask("new", connections=2)
    slow, *quick = tool.http(dict(url=peer.url + "/wait/1500"), *(dict(url=f"{peer.url}/ok") for _ in range(30)))
    assert slow["took_ms"] >= 1500 and max(r["took_ms"] for r in quick) < 1400


def test_dropped_in_flight(tool, peer):
    """transport_free with calls running and waiting: the new one works."""
    tool.tell("http", calls=[dict(url=peer.url + "/ok")])
    tool.answer()
    for _ in range(3):
        tool.ask("new", connections=2)
        assert tool.http(dict(url=peer.url + "/ok"))[0]["status"] == 200


# TLS

def test_trusted(tool, secure, pki):
    tool.ask("new", connections=1)
    for _ in range(3):
        got = tool.http(dict(url=secure.url + "/ok", ca_bundle=pki.path("ca.pem")))[0]
        assert (got["result"], got["body"]) == ("answered", "hi"), got
    assert secure.connections == 1


@pytest.mark.parametrize("server, bundle, words", [
    ("good", None, "certificate"), ("good", "", "certificate"), ("good", "other.pem", "certificate"),
    ("elsewhere", "ca.pem", "127.0.0.1"), ("over", "ca.pem", "expired"), ("good", "no-such-file", "AWS_CA_BUNDLE"),
])
def test_untrusted(tool, pki, server, bundle, words):
    with peers.Peer(pki.context(server)) as p:
        more = {} if bundle is None else {"ca_bundle": pki.path(bundle) if bundle else ""}
        got = tool.http(dict(method="POST", url=p.url + "/ok", body="{}", **more))[0]
        assert got["result"] == "untrusted" and words in got["text"], got
        assert not p.requests


def test_a_kept_connection_is_trusted_by_its_own_bundle_only(tool, secure, pki):
    tool.ask("new", connections=1)
    assert tool.http(dict(url=secure.url + "/ok", ca_bundle=pki.path("ca.pem")))[0]["result"] == "answered"
    assert tool.http(dict(url=secure.url + "/ok", ca_bundle=pki.path("other.pem")))[0]["result"] == "untrusted"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(tool, pki):
    for version, result in ((ssl.TLSVersion.TLSv1_1, "not_sent"), (ssl.TLSVersion.TLSv1_2, "answered")):
        with peers.Peer(pki.context("good", most=version)) as p:
            got = tool.http(dict(url=p.url + "/ok", ca_bundle=pki.path("ca.pem")))[0]
            assert got["result"] == result, got


# proxies

def test_through_a_proxy(secure, pki):
    with peers.Proxy() as proxy, Tool(env={"https_proxy": f"http://127.0.0.1:{proxy.port}"}) as tool:
        call = dict(method="POST", url=secure.url + "/ok", body="{}", ca_bundle=pki.path("ca.pem"), headers=["Authorization: s3cret"])
        got = tool.http(call)[0]
        assert got["result"] == "answered" and got["error_type"] == "", got
        assert [r.target for r in proxy.requests] == [f"127.0.0.1:{secure.port}"]
        assert proxy.requests[0].one("authorization") is None and secure.requests[0].one("authorization") == "s3cret"
        direct = tool.http({**call, "no_proxy": True})[0]
        assert direct["result"] == "answered" and len(proxy.requests) == 1
        got = tool.http({**call, "url": secure.url + "/cut"})[0]
        assert got["result"] == "lost", got


def test_the_proxy_refuses(secure, pki):
    for status in (403, 407, 502):
        with peers.Proxy(refuses=status) as proxy, Tool(env={"https_proxy": f"http://127.0.0.1:{proxy.port}"}) as tool:
            got = tool.http(dict(url=secure.url + "/ok", ca_bundle=pki.path("ca.pem")))[0]
            assert got["result"] == "not_sent" and str(status) in got["text"], got
            assert proxy.requests and not secure.requests


def test_no_proxy_to_this_machine(peer):
    with peers.Proxy() as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        with Tool(env={"http_proxy": url, "ALL_PROXY": url, "all_proxy": url}) as tool:
            assert tool.http(dict(url=peer.url + "/ok"))[0]["status"] == 200
        assert not proxy.requests


def test_no_proxy_by_the_environment(secure, pki):
    with peers.Proxy() as proxy, Tool(env={"https_proxy": f"http://127.0.0.1:{proxy.port}", "no_proxy": "127.0.0.1"}) as tool:
        assert tool.http(dict(url=secure.url + "/ok", ca_bundle=pki.path("ca.pem")))[0]["status"] == 200
        assert not proxy.requests


# the wait

def shortest(tool, **what):
    """Of three, for the machine may be busy."""
    return min(tool.ask("poll", **what)["took_ms"] for _ in range(3))


def test_poll_sleeps_and_wakes(tool):
    assert 95 <= shortest(tool, timeout_ms=5000) < limits.seconds(1) * 400
    assert 19 <= shortest(tool, timeout_ms=20) < limits.seconds(1) * 90
    assert shortest(tool, timeout_ms=0) < limits.seconds(1) * 20
    assert shortest(tool, timeout_ms=-5) < limits.seconds(1) * 20


def test_a_signal_ends_the_wait(tool):
    assert 9 <= shortest(tool, timeout_ms=5000, signal_ms=10) < 90
    assert 9 <= shortest(tool, timeout_ms=5000, signal_ms=10, wake="handler") < 90
    assert shortest(tool, timeout_ms=5000, wake="before") < 90
    assert shortest(tool, timeout_ms=5000) >= 95, "the wake-up is spent"


def test_a_signal_while_a_call_runs(tool, peer):
    tool.tell("http", calls=[dict(url=peer.url + "/wait/500")])
    time.sleep(0.1)
    ends = threading.Timer(0.1, tool.process.send_signal, [23])     # SIGURG: ignored unless somebody cares
    ends.start()
    assert tool.answer()["replies"][0]["result"] == "answered"
    ends.join()
