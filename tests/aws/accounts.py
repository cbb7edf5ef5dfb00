"""Whose key is whose."""
import base64
import hashlib


class Key:
    """An access key of a user of an account. expires_at is in seconds of the stand-in's clock; None: never."""

    def __init__(self, account, access_key, secret, token=None, denied=(), expires_at=None):
        self.account, self.access_key, self.secret, self.token = account, access_key, secret, token
        self.denied = frozenset(denied)
        self.expires_at = expires_at
        self.user_id = "AIDA" + base64.b32encode(hashlib.sha256(account.encode()).digest())[:17].decode()

    def arn(self, partition):
        return f"arn:{partition}:iam::{self.account}:user/line-operator"


class Accounts:
    """The keys by their ids. The ones of the command line come back with reset()."""

    def __init__(self, specs):
        self.specs = list(specs)
        self.reset()

    def reset(self):
        self.keys = {}
        for spec in self.specs:
            parts = spec.split(":", 3)
            if len(parts) < 3 or len(parts[0]) != 12 or not parts[0].isdigit():
                raise ValueError(f"{spec}: ACCOUNT:ACCESS_KEY_ID:SECRET[:TOKEN] is expected, ACCOUNT of 12 digits")
            self.put(Key(*parts))

    def put(self, key):
        self.keys[key.access_key] = key

    def get(self, access_key):
        return self.keys.get(access_key)
