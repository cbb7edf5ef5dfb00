"""Where a machine of AWS finds credentials: the container endpoint and the instance metadata service, version 2 only."""
import secrets
import time


class Metadata:
    """Answers (status, text or object), or None for a path that is not its own."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.reset()

    def reset(self):
        """role: its name; access_key: whose credentials are given out (default: the first key); token: what a container must send."""
        self.role, self.access_key, self.token, self.expires_in = "line-role", None, None, 3600
        self.tokens, self.calls = {}, {}

    def set(self, wanted):
        for name, value in wanted.items():
            if name not in ("role", "access_key", "token", "expires_in"):
                raise ValueError(f"unknown: {name}")
            setattr(self, name, value)

    def _credentials(self):
        keys = self.cloud.accounts.keys
        key = keys[self.access_key] if self.access_key else next(iter(keys.values()))
        stamp = "%Y-%m-%dT%H:%M:%SZ"
        return {"AccessKeyId": key.access_key, "SecretAccessKey": key.secret, "Token": key.token or "",
                "Expiration": time.strftime(stamp, time.gmtime(time.time() + self.expires_in))}

    def _count(self, name):
        self.calls[name] = self.calls.get(name, 0) + 1

    def container(self, request):
        self._count("container")
        if self.token is not None and request.headers.get("authorization") != self.token:
            return 401, {"code": "InvalidAuthToken", "message": "the Authorization header is not the token"}
        return 200, {**self._credentials(), "RoleArn": "arn:aws:iam::line-role"}

    def instance(self, request, path):
        """path begins with /latest/."""
        if path == "/latest/api/token":
            ttl = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
            if request.method != "PUT" or not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
                return 400, "Bad Request"
            self._count("token")
            token = secrets.token_urlsafe(40) + "=="
            self.tokens[token] = time.time() + int(ttl)
            return 200, token
        if request.method != "GET":
            return 405, "Method Not Allowed"
        if self.tokens.get(request.headers.get("x-aws-ec2-metadata-token"), 0) < time.time():
            self._count("refused")
            return 401, "Unauthorized"
        folder = "/latest/meta-data/iam/security-credentials/"
        if path in (folder, folder[:-1]):
            self._count("role")
            return 200, self.role
        if path == folder + self.role:
            self._count("credentials")
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            return 200, {"Code": "Success", "LastUpdated": now, "Type": "AWS-HMAC", **self._credentials()}
        return 404, "Not Found"
