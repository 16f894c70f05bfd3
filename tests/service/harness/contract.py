"""Replies held to the OpenAPI document that the service itself serves."""

import json
import re
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = "urn:openapi"


class Contract:
    def __init__(self, document):
        self.document = document
        base = urlsplit(document["servers"][0]["url"]).path.rstrip("/")
        self.base_path = base
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self.registry = Registry().with_resource(ROOT, resource)
        self.routes = []
        for path, item in document["paths"].items():
            pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))
            self.routes.append((re.compile(pattern), "{" in path, path, item))
        self.routes.sort(key=lambda r: r[1])  # what is written out goes before what holds a parameter
        self.validators = {}
        self.seen = set()  # (operation, status) that were checked

    def resolve(self, node):
        while "$ref" in node:
            at = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                at = at[part.replace("~1", "/").replace("~0", "~")]
            node = at
        return node

    def validator(self, schema):
        """schema: as it stands in the document."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            self.validators[key] = Draft202012Validator(absolute(schema), registry=self.registry)
        return self.validators[key]

    def valid(self, name, value):
        """Does a value have the form of components.schemas.NAME; what is wrong, or None."""
        return first(self.validator({"$ref": f"#/components/schemas/{name}"}), value)

    def operation(self, method, path):
        path = path.split("?")[0].removeprefix(self.base_path)
        for pattern, _, template, item in self.routes:
            if pattern.fullmatch(path) and method.lower() in item:
                return template, item[method.lower()]
        return None, None

    def check(self, method, path, reply):
        """Raises where the reply is not one of those that the document names."""
        if method == "HEAD":
            return
        template, operation = self.operation(method, path)
        what = f"{method} {path.split('?')[0]} answered {reply.status}"
        if operation is None:
            assert reply.status in (400, 404, 405, 503), f"{what}, and the document does not have it"
            return
        assert str(reply.status) in operation["responses"], f"{what}, which is not documented: {reply.body[:300]!r}"
        response = self.resolve(operation["responses"][str(reply.status)])
        self.seen.add((f"{method} {template}", reply.status))
        for name, header in response.get("headers", {}).items():
            header = self.resolve(header)
            value = reply.headers.get(name)
            assert value is not None or not header.get("required"), f"{what} without {name}"
            if value is not None:
                kind = header["schema"].get("type")
                wrong = first(self.validator(header["schema"]), int(value) if kind == "integer" else value)
                assert wrong is None, f"{what}, {name}: {wrong}"
        content = response.get("content")
        if not content:
            assert not reply.body, f"{what} with a body: {reply.body[:300]!r}"
            return
        kind = reply.headers.get("Content-Type", "").split(";")[0].strip()
        assert kind in content, f"{what} with {kind or 'no content type'}, documented: {', '.join(content)}"
        schema = content[kind].get("schema")
        if schema is None:
            return
        if kind.endswith("json") and kind != "application/x-ndjson":
            wrong = first(self.validator(schema), reply.json())
            assert wrong is None, f"{what}: {wrong}"
        elif "contentSchema" in schema:
            for line in reply.lines():
                wrong = first(self.validator(schema["contentSchema"]), line)
                assert wrong is None, f"{what}: {wrong}"


def absolute(schema):
    """Local references as references into the registered document."""
    if isinstance(schema, dict):
        return {k: ROOT + v if k == "$ref" and v.startswith("#") else absolute(v) for k, v in schema.items()}
    if isinstance(schema, list):
        return [absolute(i) for i in schema]
    return schema


def first(validator, value):
    wrong = next(iter(validator.iter_errors(value)), None)
    if wrong is None:
        return None
    while wrong.context:  # of alternatives the one that came nearest
        wrong = max(wrong.context, key=lambda e: len(e.absolute_path))
    return f"/{'/'.join(str(p) for p in wrong.absolute_path)}: {wrong.message[:300]}"
