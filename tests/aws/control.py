"""
The control door: unsigned JSON under /_stand-in/. It answers 200 with JSON, or 400 with {"error": words}.

  POST faults       {"seed": 1, "rules": [...]}: replaces all rules (faults.py says what a rule is); GET faults: hits of each
  POST clock        {"skew_seconds": 600}: the stand-in's clock is that far ahead of the true one
  POST keys         {"access_key", "account", "secret", "token", "denied": ["iot:CreateThing"], "expires_at" or "expires_in"}:
                    makes a key, or changes the named parts of one. expires_in is in seconds from now; null ends an expiry
  POST metadata     {"role", "access_key", "token", "expires_in"} (metadata.py)
  GET counters      counters.py;  POST counters: back to nought
  GET dump          ?account=&region=&pem=false: the state; {"ACCOUNT/REGION": {...}} (region.py)
  POST state        {"account", "region", "certificateId", "status"}: changes a certificate or a CA behind everybody's back
  POST reset        everything as at the start; {"keep": ["state"]} keeps what is registered
  GET container     container credentials
  *   imds/latest/...  and /latest/...: instance metadata, version 2
"""
import json

from accounts import Key
from cloud import Answer
from metadata import Metadata

PREFIX = "/_stand-in/"


class Control:
    def __init__(self, cloud):
        self.cloud, self.metadata = cloud, Metadata(cloud)

    def answer(self, request):
        """None: the request is for AWS."""
        path = request.path
        if path.startswith("/latest/"):
            return self._plain(*self.metadata.instance(request, path))
        if not path.startswith(PREFIX):
            return None
        name = path[len(PREFIX):]
        if name.startswith("imds/"):
            return self._plain(*self.metadata.instance(request, name[4:]))
        if name == "container":
            return self._plain(*self.metadata.container(request))
        try:
            wanted = json.loads(request.body) if request.body else {}
            act = getattr(self, f"{request.method.lower()}_{name}", None)
            if act is None:
                return self._plain(404, {"error": f"no {request.method} {name}"})
            return self._plain(200, act(dict(request.query), wanted))
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            return self._plain(400, {"error": f"{type(e).__name__}: {e}"})

    @staticmethod
    def _plain(status, what):
        if isinstance(what, str):
            return Answer(status, what.encode(), "text/plain")
        return Answer(status, json.dumps(what).encode(), "application/json")

    def get_faults(self, *_):
        return self.cloud.faults.json()

    def post_faults(self, _, wanted):
        self.cloud.faults.load(wanted)
        return {"rules": len(self.cloud.faults.rules)}

    def post_clock(self, _, wanted):
        self.cloud.skew = float(wanted["skew_seconds"])
        return {"now": self.cloud.now()}

    def post_keys(self, _, wanted):
        unknown = set(wanted) - {"access_key", "account", "secret", "token", "denied", "expires_at", "expires_in"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        key = self.cloud.accounts.get(wanted["access_key"])
        if key is None:
            key = Key(wanted["account"], wanted["access_key"], wanted["secret"])
        for name in ("account", "secret", "token", "expires_at"):
            if name in wanted:
                setattr(key, name, wanted[name])
        if "denied" in wanted:
            key.denied = frozenset(wanted["denied"])
        if "expires_in" in wanted:
            key.expires_at = None if wanted["expires_in"] is None else self.cloud.now() + wanted["expires_in"]
        self.cloud.accounts.put(key)
        return {"access_key": key.access_key, "expires_at": key.expires_at}

    def post_metadata(self, _, wanted):
        self.metadata.set(wanted)
        return {}

    def get_counters(self, *_):
        return {**self.cloud.counters.json(), "metadata": self.metadata.calls}

    def post_counters(self, *_):
        self.cloud.counters.reset()
        self.metadata.calls = {}
        return {}

    def get_dump(self, query, _):
        return {f"{account}/{region}": place.dump(query.get("pem") != "false")
                for (account, region), place in self.cloud.places.items()
                if query.get("account", account) == account and query.get("region", region) == region}

    def post_state(self, _, wanted):
        place = self.cloud.places[wanted["account"], wanted["region"]]
        id_ = wanted["certificateId"]
        found = place.certificates.all.get(id_) or place.authorities.all.get(id_)
        found.status = wanted["status"]
        return {"certificateId": id_, "status": found.status}

    def post_reset(self, _, wanted):
        places, cas = self.cloud.places, self.cloud.cas
        self.cloud.reset()
        self.metadata.reset()
        if "state" in wanted.get("keep", ()):
            self.cloud.places, self.cloud.cas = places, cas
        return {}
