import os
import sys

import pytest

sys.dont_write_bytecode = True

import aws
import aws_home
import client as clients
import home as homes
import server as servers


def pytest_sessionstart(session):
    if not os.access(homes.BINARY, os.X_OK):
        pytest.exit(f"{homes.BINARY}: no such program; build it, or name it in LINECA", returncode=2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failing test shows the log of every server it may have used."""
    report = (yield).get_result()
    if report.failed:
        for s in servers.started:
            if s.alive() or getattr(s, "test", item.nodeid) == item.nodeid:
                report.sections.append((f"log of the server {s.home.path}", s.log()[-8000:]))
    for s in servers.started:
        if not hasattr(s, "test"):
            s.test = item.nodeid


@pytest.fixture
def empty(tmp_path):
    """A home that does not exist yet."""
    return homes.Home(tmp_path / "home")


@pytest.fixture
def home(empty):
    return empty.init()


@pytest.fixture
def start(request):
    """Starts servers that end with the test."""
    mine = []

    def begin(home, *args, **kw):
        mine.append(servers.Server(home, *args, **kw))
        return mine[-1]

    yield begin
    for s in mine:
        if s.alive():
            s.stop()
        else:
            s.check_log()


class Line:
    """A home with a server and an open batch `lot`, shared by the tests of a module."""

    def __init__(self, path):
        self.home = homes.Home(path).init()
        self.home.batch("lot", 1000000)
        self.server = servers.Server(self.home)
        self.client = clients.Client(self.server)
        self.ca = self.home.ca_pem()


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    shared = Line(tmp_path_factory.mktemp("line") / "home")
    yield shared
    shared.client.close()
    shared.server.stop()


@pytest.fixture(scope="module")
def standin():
    """A stand-in for AWS, for the tests of a module."""
    with aws.StandIn() as running:
        yield running


@pytest.fixture
def cloud(standin):
    """The same, as new."""
    standin.reset()
    return standin


@pytest.fixture
def place(tmp_path, cloud):
    """A home whose [aws] names the stand-in's account."""
    return aws_home.Place(tmp_path / "home", cloud)
