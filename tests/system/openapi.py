"""
OpenAPI 3.1 for the tests: is a document well-formed, by the tables of the specification, and are answers what it says? Members that a schema does not
name are wrong here, although clients must bear them: the document is to be complete.
"""
import copy
import json
import re

import jsonschema

import home as homes

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# ---- the document ------------------------------------------------------------------------------------------------

# Of each object: its members and what they hold. ! is required; [x] a list of x, {x} a map to x; a lower-case word one of these objects.
OBJECTS = {
    "openapi": {"openapi!": str, "info!": "info", "servers": ["server"], "paths": {"path"}, "components": "components", "security": ["need"],
                "tags": ["tag"]},
    "info": {"title!": str, "version!": str, "summary": str, "description": str, "license": "license"},
    "license": {"name!": str, "identifier": str, "url": str},
    "server": {"url!": str, "description": str},
    "tag": {"name!": str, "description": str},
    "components": {"schemas": {"schema"}, "responses": {"response"}, "parameters": {"parameter"}, "headers": {"header"}, "securitySchemes": {"scheme"}},
    "path": {"summary": str, "description": str, "parameters": ["parameter"], **{m: "operation" for m in METHODS}},
    "operation": {"tags": [str], "summary!": str, "description": str, "operationId!": str, "parameters": ["parameter"], "requestBody": "body",
                  "responses!": {"response"}, "deprecated": bool, "security!": ["need"]},
    "parameter": {"name!": str, "in!": str, "description!": str, "required": bool, "schema!": "schema", "example": object},
    "body": {"description": str, "content!": {"media"}, "required": bool},
    "media": {"schema!": "schema", "example": object},
    "response": {"description!": str, "headers": {"header"}, "content": {"media"}},
    "header": {"description!": str, "required": bool, "schema!": "schema", "example": object},
    "scheme": {"type!": str, "description": str, "name": str, "in": str, "scheme": str, "bearerFormat": str},
}
REFERENCES = {"schema": "schemas", "response": "responses", "parameter": "parameters", "header": "headers"}
SCHEMES = {"apiKey": {"type", "name", "in"}, "http": {"type", "scheme"}, "mutualTLS": {"type"}}


class Document:
    def __init__(self, doc):
        self.doc = doc
        self.operations = {(method, path): op for path, item in doc["paths"].items() for method, op in item.items() if method in METHODS}
        strict = copy.deepcopy(doc)
        for where in schemas_of(strict):
            close(where)
        self.strict = strict

    def resolve(self, value):
        if "$ref" not in value:
            return value
        _, kind, name = value["$ref"][2:].split("/")
        return self.doc["components"][kind][name]

    # ---- is it well-formed?

    def check(self):
        assert re.fullmatch(r"3\.1\.\d+", self.doc["openapi"])
        self.check_value("openapi", self.doc, "")
        self.check_operations()
        self.check_components()

    def check_value(self, kind, value, where):
        if kind is object:
            return
        if isinstance(kind, type):
            assert isinstance(value, kind), f"{where}: no {kind.__name__}"
        elif isinstance(kind, list):
            assert isinstance(value, list), f"{where}: no list"
            for i, item in enumerate(value):
                self.check_value(kind[0], item, f"{where}/{i}")
        elif isinstance(kind, set):
            assert isinstance(value, dict), f"{where}: no map"
            for name, item in value.items():
                self.check_value(*kind, item, f"{where}/{name}")
        elif kind == "need":
            for name, scopes in value.items():
                assert name in self.doc["components"]["securitySchemes"] and scopes == [], f"{where}: {name}"
        else:
            self.check_object(kind, value, where)

    def check_object(self, kind, value, where):
        assert isinstance(value, dict), f"{where}: no object"
        if "$ref" in value and kind in REFERENCES:
            assert kind == "schema" or set(value) <= {"$ref", "summary", "description"}, where
            assert value["$ref"].startswith(f"#/components/{REFERENCES[kind]}/"), f"{where}: {value['$ref']}"
            return
        if kind == "schema":
            self.check_schema(value, where)
            return
        fields = {k.rstrip("!"): v for k, v in OBJECTS[kind].items()}
        for name in (k[:-1] for k in OBJECTS[kind] if k.endswith("!")):
            assert name in value, f"{where}: no {name}"
        for name, item in value.items():
            if not name.startswith("x-"):
                assert name in fields, f"{where}: there is no {name} in an object of the kind {kind}"
                self.check_value(fields[name], item, f"{where}/{name}")
        if kind == "scheme":
            assert set(value) - {"description"} == SCHEMES[value["type"]], where
        if kind == "parameter":
            assert value["in"] in ("path", "query", "header", "cookie") and (value["in"] != "path" or value["required"]), where
        if "schema" in value and "example" in value:
            self.validate(value["schema"], value["example"], where)

    def check_schema(self, schema, where):
        jsonschema.Draft202012Validator.check_schema(schema)
        for example in schema.get("examples", ()):
            self.validate(schema, example, where)
        for name in schema.get("required", ()):
            assert "properties" not in schema or name in schema["properties"], f"{where}: {name} is required and not described"

    def check_operations(self):
        names = [op["operationId"] for op in self.operations.values()]
        assert len(set(names)) == len(names), "an operationId stands twice"
        tags = {t["name"] for t in self.doc["tags"]}
        assert {t for op in self.operations.values() for t in op["tags"]} == tags
        for (method, path), op in self.operations.items():
            where = f"{method} {path}"
            declared = [self.resolve(p) for p in self.doc["paths"][path].get("parameters", []) + op.get("parameters", [])]
            inside = [p["name"] for p in declared if p["in"] == "path"]
            assert sorted(inside) == sorted(re.findall(r"\{([^}]+)\}", path)), f"{where}: {inside}"
            assert len({(p["in"], p["name"]) for p in declared}) == len(declared), where
            assert all(re.fullmatch(r"[1-5]\d\d|default", s) for s in op["responses"]), where
            assert any(s < "4" for s in op["responses"] if s != "default") or op["responses"].keys() == {"501", "default"}, where

    def check_components(self):
        """What is referred to is there, and nothing else."""
        there = {f"#/components/{kind}/{name}" for kind, items in self.doc["components"].items() for name in items}
        used = set(references(self.doc)) | {f"#/components/securitySchemes/{name}" for op in self.operations.values()
                                            for need in op["security"] for name in need}
        assert used == there, f"not described: {used - there}; not used: {there - used}"

    # ---- are answers what it says?

    def validate(self, schema, value, where):
        resolver = jsonschema.RefResolver("", self.strict)
        closed = copy.deepcopy(schema)
        for _, inner in schemas_of({"properties": {"": closed}}):
            close(("", inner))
        errors = list(jsonschema.Draft202012Validator(closed, resolver=resolver, format_checker=FORMATS).iter_errors(value))
        assert not errors, f"{where}: " + "; ".join(f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in errors)

    def check_answer(self, method, path, answer):
        """Status, media type, headers and body; answers the key in responses."""
        op, where = self.operations[method, path], f"{method} {path} {answer.status}"
        key = str(answer.status) if str(answer.status) in op["responses"] else "default"
        response = self.resolve(op["responses"][key])
        assert key != "default" or answer.status >= 400, f"{where} is not described: {answer}"
        for name, header in response.get("headers", {}).items():
            schema = self.resolve(header)["schema"]
            for value in answer.headers.get_all(name) or ():
                self.validate(schema, int(value) if schema.get("type") == "integer" else value, f"{where} {name}")
        self.check_content(response.get("content"), answer, where)
        return key

    def check_content(self, content, answer, where):
        if content is None:
            assert answer.body == b"", f"{where}: {answer}"
            return
        said = answer.headers["Content-Type"]
        media = content.get(said) or content.get(said.split(";")[0])
        assert media, f"{where}: {said} is not one of {list(content)}"
        schema = media["schema"]
        if answer.type.endswith("json"):
            self.validate(schema, answer.json(), where)
            return
        text = answer.body.decode("utf-8")
        self.validate(schema, text, where)
        if "contentSchema" in self.resolve(schema):
            self.validate(schema["contentSchema"], json.loads(text), where)

    def check_request(self, method, path, media, body):
        """A body that the server takes is what the document says it takes."""
        described = self.operations[method, path]["requestBody"]
        schema = described["content"][media]["schema"]
        if media.endswith("json"):
            self.validate(schema, json.loads(body), f"{method} {path} request")
        assert len(body) <= described["x-lineca-max-bytes"]


FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("date-time")(lambda v: not isinstance(v, str) or bool(homes.RFC3339.match(v)))


def references(value):
    """Every $ref in it, whatever it stands for."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def schemas_of(value, name=""):
    """Every place below the value where a schema stands by itself: not those of allOf, oneOf and anyOf, which are parts of one."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from schemas_of(item, f"{name}/{i}")
        return
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key in ("schema", "items", "additionalProperties", "contentSchema") and isinstance(item, dict):
            yield f"{name}/{key}", item
        if key == "properties":
            yield from ((f"{name}/{k}", v) for k, v in item.items() if isinstance(v, dict))
        if key not in ("example", "examples"):
            yield from schemas_of(item, f"{name}/{key}")


def close(place):
    """No members but those that it describes."""
    _, schema = place
    if not {"additionalProperties", "unevaluatedProperties"} & set(schema) and {"$ref", "properties", "allOf", "oneOf"} & set(schema):
        schema["unevaluatedProperties"] = False
