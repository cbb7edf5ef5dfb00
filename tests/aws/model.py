"""
AWS's service model, out of botocore: routes, members, types, patterns, lengths and enums. botocore does not look at
patterns and hardly at lengths; here they are all enforced, as AWS does.

Stricter than AWS: a query or body member that the model does not know is refused, since it can only be a typing error.
"""
import json
import re
from urllib.parse import unquote_to_bytes

import botocore.loaders
import botocore.model

import errors

# What Java's expressions have and Python's do not.
JAVA_CLASSES = {r"\p{L}": "A-Za-z\u00aa-\u02af\u0370-\ud7ff", r"\p{Z}": "\u0020\u00a0\u2000-\u200a", r"\p{N}": "0-9",
                r"\p{Graph}": "!-~", r"\p{Cntrl}": "\\x00-\\x1f\\x7f", r"\p{C}": "\\x00-\\x1f\\x7f-\\x9f",
                r"\p{Upper}": "A-Z", r"\p{Digit}": "0-9"}
NUMBERS = {"integer": (-2**31, 2**31 - 1), "long": (-2**63, 2**63 - 1)}


def decoded(text):
    return unquote_to_bytes(text).decode("utf-8")


def expression(pattern):
    for java, python in JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern, re.ASCII)


class Check:
    """The constraints of one shape, made ready; problems are worded as AWS words them."""

    def __init__(self, shape, made):
        made[shape.name] = self
        self.type = shape.type_name
        self.enum = tuple(shape.metadata.get("enum", ()))
        self.min, self.max = shape.metadata.get("min"), shape.metadata.get("max")
        self.pattern = shape._shape_model.get("pattern")
        self.matches = expression(self.pattern).fullmatch if self.pattern else None

        def of(inner):
            return made.get(inner.name) or Check(inner, made)
        if self.type == "structure":
            self.members = {name: of(inner) for name, inner in shape.members.items()}
            self.required = tuple(shape.required_members)
        elif self.type == "list":
            self.member = of(shape.member)
        elif self.type == "map":
            self.key, self.value = of(shape.key), of(shape.value)

    def find(self, value, path, problems):
        if value is None:
            return
        getattr(self, "_" + self.type)(value, path, problems)

    def _say(self, value, path, problems, words):
        problems.append(f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {words}")

    def _length(self, value, path, problems):
        if self.min is not None and len(value) < self.min:
            self._say(value, path, problems, f"have length greater than or equal to {self.min}")
        if self.max is not None and len(value) > self.max:
            self._say(str(value)[:100], path, problems, f"have length less than or equal to {self.max}")

    def _string(self, value, path, problems):
        if not isinstance(value, str):
            raise errors.AwsError("SerializationException", f"{path}: a string is expected", 400)
        self._length(value, path, problems)
        if self.matches and not self.matches(value):
            self._say(value[:100], path, problems, f"satisfy regular expression pattern: {self.pattern}")
        if self.enum and value not in self.enum:
            self._say(value[:100], path, problems, f"satisfy enum value set: [{', '.join(self.enum)}]")

    def _integer(self, value, path, problems):
        if isinstance(value, bool) or not isinstance(value, int):
            raise errors.AwsError("SerializationException", f"{path}: a number is expected", 400)
        low, high = NUMBERS.get(self.type, (None, None))
        low = self.min if self.min is not None else low
        high = self.max if self.max is not None else high
        if low is not None and value < low:
            self._say(value, path, problems, f"have value greater than or equal to {low}")
        if high is not None and value > high:
            self._say(value, path, problems, f"have value less than or equal to {high}")

    _long = _integer

    def _boolean(self, value, path, problems):
        if not isinstance(value, bool):
            raise errors.AwsError("SerializationException", f"{path}: true or false is expected", 400)

    def _double(self, value, path, problems):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise errors.AwsError("SerializationException", f"{path}: a number is expected", 400)

    _timestamp = _float = _double

    def _blob(self, value, path, problems):
        self._length(value, path, problems)

    def _structure(self, value, path, problems):
        if not isinstance(value, dict):
            raise errors.AwsError("SerializationException", f"{path or 'body'}: an object is expected", 400)
        prefix = path + "." if path else ""
        for name in self.required:
            if value.get(name) is None:
                problems.append(f"Value null at '{prefix}{name}' failed to satisfy constraint: Member must not be null")
        for name, inner in value.items():
            if name not in self.members:
                raise errors.invalid(f"unknown member {prefix}{name}")
            self.members[name].find(inner, prefix + name, problems)

    def _list(self, value, path, problems):
        if not isinstance(value, list):
            raise errors.AwsError("SerializationException", f"{path}: a list is expected", 400)
        self._length(value, path, problems)
        for i, inner in enumerate(value, 1):
            self.member.find(inner, f"{path}.{i}.member", problems)

    def _map(self, value, path, problems):
        if not isinstance(value, dict):
            raise errors.AwsError("SerializationException", f"{path}: an object is expected", 400)
        self._length(value, path, problems)
        for name, inner in value.items():
            self.key.find(name, f"{path}.key", problems)
            self.value.find(inner, f"{path}.{name}.member", problems)


def from_text(shape, text, name):
    """A member of the query or a header has come as text."""
    if shape.type_name == "boolean":
        if text not in ("true", "false"):
            raise errors.AwsError("SerializationException", f"{name}: true or false is expected, not '{text}'", 400)
        return text == "true"
    if shape.type_name in NUMBERS:
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise errors.AwsError("SerializationException", f"{name}: a number is expected, not '{text}'", 400)
        return int(text)
    return text


class Operation:
    def __init__(self, model, made):
        self.name = model.name
        self.method = model.http["method"]
        self.success = model.http.get("responseCode", 200)
        self.segments = model.http["requestUri"].partition("?")[0].strip("/").split("/")
        self.greedy = any(s.endswith("+}") for s in self.segments)
        shape = model.input_shape
        self.input = (made.get(shape.name) or Check(shape, made)) if shape else None
        self.output = model.output_shape
        if self.output:
            self.output_check = made.get(self.output.name) or Check(self.output, made)
        self.path, self.query, self.headers, self.body = {}, {}, {}, {}
        self.payload = shape.serialization.get("payload") if shape else None
        places = {"uri": self.path, "querystring": self.query, "header": self.headers, None: self.body}
        for name, member in (shape.members if shape else {}).items():
            where = places.get(member.serialization.get("location"))
            if where is not None:
                key = member.serialization.get("name", name)
                where[key.lower() if where is self.headers else key] = (name, member)


class Model:
    """A rest-json service by its model."""

    def __init__(self, service):
        raw = botocore.loaders.Loader().load_service_model(service, "service-2")
        self.service = botocore.model.ServiceModel(raw, service)
        self.checks = {}
        self.operations = {name: Operation(self.service.operation_model(name), self.checks)
                           for name in self.service.operation_names}
        self.statuses = {name: shape["error"]["httpStatusCode"] for name, shape in raw["shapes"].items()
                         if "httpStatusCode" in shape.get("error", {})}
        self.routes = {}
        for op in self.operations.values():
            if not op.greedy:
                self.routes.setdefault((op.method, len(op.segments)), []).append(op)
        for ops in self.routes.values():    # a word goes before a label
            ops.sort(key=lambda op: [s.startswith("{") for s in op.segments])

    def route(self, method, path):
        """(operation, labels decoded) or None. path as it came; an empty segment is no label."""
        segments = path[1:].split("/")
        for op in self.routes.get((method, len(segments)), ()):
            labels = {}
            for want, got in zip(op.segments, segments):
                if want[:1] == "{" and got:
                    labels[want[1:-1]] = got
                elif want != got:
                    break
            else:
                try:
                    return op, {name: decoded(value) for name, value in labels.items()}
                except UnicodeDecodeError:
                    return None
        return None

    def read(self, op, labels, query, headers, body):
        """The members of a request, or AwsError. query is a list of pairs, headers a dict in lower case."""
        params = {op.path[name][0]: value for name, value in labels.items()}
        for name, text in query:
            if name not in op.query:
                raise errors.invalid(f"unknown query member {name}")
            member, shape = op.query[name]
            if member in params:
                raise errors.invalid(f"query member {name} comes twice")
            params[member] = from_text(shape, text, name)
        for name, (member, shape) in op.headers.items():
            if name in headers:
                params[member] = from_text(shape, headers[name], name)
        if op.body and body:
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind not in ("application/json", "application/x-amz-json-1.1"):
                raise errors.AwsError("UnsupportedMediaTypeException", f"Content-Type '{kind}' instead of application/json", 415)
            params.update(self._body(op, body))
        problems = []
        if op.input:
            op.input.find(params, "", problems)
        if problems:
            count = len(problems)
            raise errors.invalid(f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(problems)}")
        return params

    @staticmethod
    def _body(op, body):
        def once(pairs):
            found = dict(pairs)
            if len(found) != len(pairs):
                raise ValueError("a name comes twice")
            return found
        try:
            found = json.loads(body.decode("utf-8"), object_pairs_hook=once)
        except ValueError as e:
            raise errors.AwsError("SerializationException", f"the body is not JSON: {e}", 400) from None
        if not isinstance(found, dict):
            raise errors.AwsError("SerializationException", "the body is not an object", 400)
        out = {}
        for name, value in found.items():
            if name not in op.body:
                raise errors.invalid(f"unknown body member {name}")
            if value is not None:
                out[op.body[name][0]] = value
        return out

    def write(self, op, result):
        """The answer as JSON bytes; what the model does not know is a defect of the stand-in."""
        if op.output is None:
            assert not result, f"{op.name} answers nothing"
            return b""
        result = {name: value for name, value in (result or {}).items() if value is not None}
        if not op.output.members:
            return b""
        problems = []
        try:
            op.output_check.find(result, "", problems)
        except errors.AwsError as e:
            problems.append(str(e))
        assert not problems, f"the stand-in's own answer to {op.name}: {problems}"
        return json.dumps(result).encode()
