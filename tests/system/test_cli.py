"""The commands: usage, exit codes, listings, export."""
import pytest
from cryptography import x509

import certs
import csrs
import home as homes

CA_TIMES = ("not_before", "not_after")


@pytest.fixture(scope="module")
def stocked(line):
    """The shared line with a few certificates in two batches."""
    line.home.batch("other", 10)
    line.answers = [line.client.enroll(b, csrs.fresh()[1]) for b in ("lot", "lot", "other", "lot", "other")]
    line.leaves = [certs.leaf_of(a) for a in line.answers]
    line.serials = [certs.serial_of(a) for a in line.answers]
    return line


def test_version():
    out = homes.run("version").out
    assert out.startswith("lineca ") and out.count("\n") == 1


@pytest.mark.parametrize("args", [["help"], ["help", "init"], ["help", "serve"], ["help", "batch"], ["help", "cert"],
                                  ["help", "ca"]])
def test_help(args):
    result = homes.run(*args)
    assert result.out and not result.err


@pytest.mark.parametrize("args", [[], ["frobnicate"], ["--frobnicate"], ["--home"], ["help", "frobnicate"], ["version", "more"],
                                  ["cert"], ["cert", "frobnicate"], ["ca", "frobnicate"], ["cert", "show"], ["cert", "export"]])
def test_wrong_usage(args):
    result = homes.run(*args, code=2)
    assert result.err and not result.out


@pytest.mark.parametrize("args", [["--limit", "x"], ["--limit", "-1"], ["--since", "yesterday"], ["--since", "2026-13-01"],
                                  ["--state", "lost"], ["--frobnicate"], ["more"], ["--device"]])
def test_wrong_list_usage(home, args):
    assert home.run("cert", "list", *args, code=2).err


@pytest.mark.parametrize("args", [["cert", "list"], ["batch", "list"], ["ca", "list"], ["batch", "create", "x", "--quantity", "1"],
                                  ["serve", "--listen", "127.0.0.1:0"]])
def test_without_a_home(empty, args):
    result = empty.run(*args, code=(1, 4))
    assert str(empty.path) in result.err and result.out == ""
    assert not empty.path.exists()


def test_home_from_the_environment(home):
    env = {"LINECA_HOME": str(home.path)}
    homes.run("batch", "create", "lot", "--quantity", 3, env=env)
    assert home.batch_show("lot")["quantity"] == 3


def test_empty_listings(home):
    assert home.json("cert", "list") == [] and home.json("batch", "list") == []
    home.run("cert", "list")
    home.run("batch", "list")


@pytest.mark.short
def test_cert_list(stocked):
    rows = stocked.home.certificates()
    assert [r["serial"] for r in rows] == stocked.serials[::-1], "newest first"
    for row, leaf in zip(rows, reversed(stocked.leaves)):
        assert homes.CERTIFICATE_FIELDS <= set(row)
        homes.check_times(row)
        assert row["certificate_id"] == certs.certificate_id(leaf)
        assert row["not_before"] == leaf.not_valid_before.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert row["not_after"] == leaf.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (row["state"], row["profile"]) == ("issued", "default")


@pytest.mark.parametrize("pick,want", [
    (["--batch", "other"], [4, 2]), (["--limit", "2"], [4, 3]), (["--batch", "lot", "--limit", "1"], [3]),
    (["--state", "issued"], [4, 3, 2, 1, 0]), (["--state", "registered"], []), (["--since", "2000-01-01"], [4, 3, 2, 1, 0]),
    (["--since", "2090-01-01T00:00:00Z"], []), (["--device", "nobody"], [])])
def test_cert_list_filters(stocked, pick, want):
    assert [r["serial"] for r in stocked.home.certificates(*pick)] == [stocked.serials[i] for i in want]


def test_cert_list_since_exactly(stocked):
    rows = stocked.home.certificates()
    since = rows[1]["issued_at"]
    assert [r["serial"] for r in stocked.home.certificates("--since", since)][:2] == [r["serial"] for r in rows[:2]]


def test_cert_list_by_device(stocked):
    for row in stocked.home.certificates():
        assert [r["serial"] for r in stocked.home.certificates("--device", row["device_id"])] == [row["serial"]]


def test_cert_list_for_people(stocked):
    """Aligned columns: every row has its device id, below one another."""
    lines = stocked.home.run("cert", "list").out.splitlines()
    ids = [r["device_id"] for r in stocked.home.certificates()]
    columns = {next(l for l in lines if i in l).index(i) for i in ids}
    assert len(columns) == 1


def test_cert_show(stocked):
    for serial, row in zip(stocked.serials, reversed(stocked.home.certificates())):
        (shown,) = stocked.home.json("cert", "show", serial)
        assert {k: shown[k] for k in homes.CERTIFICATE_FIELDS} == {k: row[k] for k in homes.CERTIFICATE_FIELDS}
        assert row["device_id"] in stocked.home.run("cert", "show", serial).out
    assert stocked.home.json("cert", "show", stocked.serials[0].upper())[0]["serial"] == stocked.serials[0]


def test_cert_export(stocked):
    for serial, answer in zip(stocked.serials, stocked.answers):
        assert certs.split(stocked.home.run("cert", "export", serial).out.encode()) == certs.split(answer.body)[:1]
        assert stocked.home.run("cert", "export", serial, "--chain").out.encode() == answer.body


@pytest.mark.parametrize("serial", ["0" * 32, "7" * 32])
@pytest.mark.parametrize("verb", ["show", "export"])
def test_unknown_serial(stocked, verb, serial):
    result = stocked.home.run("cert", verb, serial, code=(1, 4))
    assert result.out == "" and result.err


@pytest.mark.parametrize("serial", ["xyz", "12", "7" * 33, "", "-1"])
def test_bad_serial(stocked, serial):
    assert stocked.home.run("cert", "show", serial, code=(1, 2)).out == ""


@pytest.mark.parametrize("verb", ["list", "show"])
def test_ca(stocked, verb):
    (row,) = stocked.home.json("ca", verb)
    homes.check_times(row)
    ca = x509.load_pem_x509_certificate(stocked.ca)
    assert {row[k] for k in CA_TIMES} == {t.strftime("%Y-%m-%dT%H:%M:%SZ") for t in (ca.not_valid_before, ca.not_valid_after)}
    assert certs.certificate_id(ca) in str(row).lower().replace(":", "")
    text = stocked.home.run("ca", verb).out
    assert row["name"] in text
    assert stocked.home.certificates()[0]["ca"] == row["name"]
