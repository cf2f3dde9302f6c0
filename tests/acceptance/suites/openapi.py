"""Derives an OpenAPI document of a SCIM server from its /Schemas and /ResourceTypes."""

from gate.http_client import SCIM

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
# Every error of RFC 7644 §3.12 and of HTTP that a well-formed request may get.
ERRORS = ("400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "428", "429", "501")
TYPES = {"integer": {"type": "integer"}, "decimal": {"type": "number"}, "boolean": {"type": "boolean"}}
FORMATS = {"dateTime": {"type": "string", "format": "date-time"}, "reference": {"type": "string", "format": "uri"}}


def document(client):
    """Returns the document."""
    schemas = {schema["id"]: schema for schema in client.call("GET", "/Schemas").json()["Resources"]}
    types = client.call("GET", "/ResourceTypes").json()["Resources"]
    paths = {
        path: {"get": operation(f"read{path[1:]}", "200")}
        for path in ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas")
    }
    for kind in types:
        paths.update(resource_paths(kind, schemas))
    paths["/.search"] = {"post": operation("searchAll", "200", body=search_request())}
    return {
        "openapi": "3.0.3",
        "info": {"title": "SCIM", "version": "2.0"},
        "paths": paths,
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "security": [{"bearer": []}],
    }


def resource_paths(kind, schemas):
    """Returns the paths of one resource type: the collection, one resource, and the search."""
    name, endpoint, resource = kind["name"], kind["endpoint"], resource_schema(kind, schemas)
    create = operation(f"create{name}", "201", body=resource)
    create["responses"]["201"]["links"] = {
        verb: {"operationId": f"{verb}{name}", "parameters": {"id": "$response.body#/id"}}
        for verb in ("read", "replace", "patch", "delete")
    }
    by_id = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}]
    match = [header("If-Match")]
    return {
        endpoint: {"get": operation(f"list{name}", "200", parameters=query()), "post": create},
        endpoint + "/{id}": {
            "parameters": by_id,
            "get": operation(f"read{name}", "200", "304", parameters=projection() + [header("If-None-Match")]),
            "put": operation(f"replace{name}", "200", body=resource, parameters=match),
            "patch": operation(f"patch{name}", "200", "204", body=patch_request(), parameters=match),
            "delete": operation(f"delete{name}", "204", parameters=match),
        },
        endpoint + "/.search": {"post": operation(f"search{name}", "200", body=search_request())},
    }


def operation(name, *successes, body=None, parameters=None):
    """Returns one operation with its successes and every error."""
    described = {"operationId": name, "responses": {}}
    for status in (*successes, *ERRORS):
        described["responses"][status] = {"description": status}
        if status not in ("204", "304"):
            described["responses"][status]["content"] = {SCIM: {"schema": {"type": "object"}}}
    if body:
        described["requestBody"] = {"required": True, "content": {SCIM: {"schema": body}}}
    if parameters:
        described["parameters"] = parameters
    return described


def resource_schema(kind, schemas):
    """Returns the JSON Schema of one resource type with its extensions."""
    extensions = [entry["schema"] for entry in kind.get("schemaExtensions", [])]
    properties = attributes(schemas[kind["schema"]]["attributes"])
    properties["externalId"] = {"type": "string"}
    properties["schemas"] = {"type": "array", "items": {"type": "string", "enum": [kind["schema"], *extensions]}}
    for urn in extensions:
        properties[urn] = {"type": "object", "properties": attributes(schemas[urn]["attributes"])}
    required = [a["name"] for a in schemas[kind["schema"]]["attributes"] if a.get("required")]
    return {"type": "object", "properties": properties, "required": ["schemas", *required]}


def attributes(definitions):
    """Returns the JSON Schema properties of attribute definitions (RFC 7643 §7)."""
    sent = [definition for definition in definitions if definition.get("mutability") != "readOnly"]
    return {definition["name"]: attribute(definition) for definition in sent}


def attribute(definition):
    """Returns the JSON Schema of one attribute."""
    kind = definition["type"]
    if kind == "complex":
        value = {"type": "object", "properties": attributes(definition.get("subAttributes", []))}
    else:
        value = dict(TYPES.get(kind) or FORMATS.get(kind) or {"type": "string"})
        if kind == "string" and definition.get("canonicalValues"):
            value = {"anyOf": [{"type": "string", "enum": definition["canonicalValues"]}, value]}
    return {"type": "array", "items": value} if definition.get("multiValued") else value


def patch_request():
    """Returns the JSON Schema of a PatchOp (RFC 7644 §3.5.2)."""
    change = {
        "type": "object",
        "properties": {
            "op": {"type": "string", "enum": ["add", "remove", "replace", "Add", "Replace"]},
            "path": {
                "type": "string",
                "enum": [
                    "active",
                    "displayName",
                    "name.givenName",
                    'emails[type eq "work"].value',
                    "members",
                    "emails[",
                    "no.such",
                ],
            },
            "value": {},
        },
        "required": ["op"],
    }
    return message(
        PATCH, {"Operations": {"type": "array", "minItems": 1, "maxItems": 5, "items": change}}, ["Operations"]
    )


def search_request():
    """Returns the JSON Schema of a SearchRequest (RFC 7644 §3.4.3)."""
    return message(SEARCH, query_schemas(), [])


def message(urn, properties, required):
    """Returns the JSON Schema of a SCIM message."""
    schemas = {"type": "array", "minItems": 1, "maxItems": 1, "items": {"type": "string", "enum": [urn]}}
    return {"type": "object", "properties": {"schemas": schemas, **properties}, "required": ["schemas", *required]}


def query_schemas():
    """Returns the JSON Schemas of the parameters of lists and searches (RFC 7644 §3.4.2)."""
    names = {"type": "string", "enum": ["userName", "displayName", "emails.value", "id", "no.such"]}
    return {
        "filter": {
            "anyOf": [
                {
                    "type": "string",
                    "enum": ['userName eq "ada"', "emails pr", 'not (active eq true) or id gt "5"', "((", "userName"],
                },
                {"type": "string", "maxLength": 60},
            ]
        },
        "sortBy": names,
        "sortOrder": {"type": "string", "enum": ["ascending", "descending"]},
        "startIndex": {"type": "integer"},
        "count": {"type": "integer"},
        "attributes": {"type": "array", "items": names},
        "excludedAttributes": {"type": "array", "items": names},
    }


def query():
    """Returns the same as query parameters, with lists joined by commas."""
    return [parameter(name, schema) for name, schema in query_schemas().items()]


def projection():
    """Returns the query parameters of a read."""
    return [entry for entry in query() if entry["name"] in ("attributes", "excludedAttributes")]


def parameter(name, schema):
    """Returns one query parameter."""
    return {"name": name, "in": "query", "schema": schema, "style": "form", "explode": False}


def header(name):
    """Returns one conditional header (RFC 7644 §3.14)."""
    return {"name": name, "in": "header", "schema": {"type": "string", "enum": ['W/"0"', "*", '"x"']}}
