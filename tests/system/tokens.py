"""Tokens, and the ways to show one."""
import base64
import itertools

ROLES = ("enroll", "viewer", "technician", "admin")

numbers = itertools.count(1)


def make(home, role, *options, name=None):
    """A new token's text."""
    return home.run("token", "create", name or f"{role}-{next(numbers)}", "--role", role, *options).out.strip()


def wrong():
    """What looks like a token and is none."""
    return "lce" + f"{next(numbers):052d}"


def bearer(token):
    """RFC 6750."""
    return {"Authorization": f"Bearer {token}"}


def basic(token, user=""):
    """RFC 7617: EST clients know nothing else."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()}


def signed_in(client, token):
    """The headers of a page whose user has signed in: its cookie, and what its changes must show."""
    answer = client.request("POST", "/v1/session", headers=bearer(token))
    assert answer.status == 201, str(answer)
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0], "X-CSRF-Token": answer.json()["csrf"]}


def row(home, name):
    """What `token list` says of it."""
    (found,) = [r for r in home.json("token", "list") if r["name"] == name]
    return found
