"""The part of the SARIF 2.1.0 object model that upgc writes, from the OASIS standard: every object is closed, so a
property that the standard does not know, or of the wrong form, is found. And a validator for it, so that no package is
needed. Each type names the section of the standard that defines it."""

import re

STRING = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
POSITIVE = {"type": "integer", "minimum": 1}


def obj(required="", any_of=(), **properties):
    return {"type": "object", "properties": properties, "required": required.split(), "any_of": any_of}


def many(items, at_least=0, unique=False):
    return {"type": "array", "items": items, "min": at_least, "unique": unique}


def one_of(*values):
    return {"enum": list(values)}


MESSAGE = obj(any_of=("text", "id"), text=STRING, markdown=STRING, id=STRING, arguments=many(STRING))  # 3.11
TEXTS = obj("text", text=STRING, markdown=STRING)  # 3.12 multiformatMessageString
ARTIFACT_LOCATION = obj(uri={"type": "string", "uri": True}, uriBaseId=STRING, index=COUNT, description=MESSAGE)  # 3.4
CONTENT = obj(text=STRING, binary=STRING, rendered=TEXTS)  # 3.3
REGION = obj(startLine=POSITIVE, startColumn=POSITIVE, endLine=POSITIVE, endColumn=POSITIVE, charOffset=COUNT,
             charLength=COUNT, byteOffset=COUNT, byteLength=COUNT, snippet=CONTENT, message=MESSAGE)  # 3.30
PHYSICAL = obj("artifactLocation", artifactLocation=ARTIFACT_LOCATION, region=REGION, contextRegion=REGION)  # 3.29
LOGICAL = obj(name=STRING, fullyQualifiedName=STRING, kind=STRING, index=COUNT)  # 3.33
LOCATION = obj(id=COUNT, physicalLocation=PHYSICAL, logicalLocations=many(LOGICAL, unique=True), message=MESSAGE,
               annotations=many(REGION, unique=True))  # 3.28
STEP = obj(location=LOCATION, executionOrder=COUNT, nestingLevel=COUNT,
           importance=one_of("important", "essential", "unimportant"), module=STRING)  # 3.38 threadFlowLocation
CODE_FLOW = obj("threadFlows", message=MESSAGE,
                threadFlows=many(obj("locations", id=STRING, message=MESSAGE, locations=many(STEP, 1)), 1))  # 3.36, 3.37
REPLACEMENT = obj("deletedRegion", deletedRegion=REGION, insertedContent=CONTENT)  # 3.57
CHANGE = obj("artifactLocation replacements", artifactLocation=ARTIFACT_LOCATION, replacements=many(REPLACEMENT, 1))  # 3.56
FIX = obj("artifactChanges", description=MESSAGE, artifactChanges=many(CHANGE, 1, True))  # 3.55
SUPPRESSION = obj("kind", kind=one_of("inSource", "external"), status=one_of("accepted", "underReview", "rejected"),
                  justification=STRING, location=LOCATION, guid=STRING)  # 3.35
LEVEL = one_of("none", "note", "warning", "error")
RESULT = obj("message", ruleId=STRING, ruleIndex=COUNT, level=LEVEL, message=MESSAGE, locations=many(LOCATION),
             relatedLocations=many(LOCATION, unique=True), codeFlows=many(CODE_FLOW), fixes=many(FIX, unique=True),
             suppressions=many(SUPPRESSION, unique=True), partialFingerprints={"type": "object", "values": STRING},
             kind=one_of("notApplicable", "pass", "fail", "review", "open", "informational"))  # 3.27
RULE = obj("id", id=STRING, name=STRING, shortDescription=TEXTS, fullDescription=TEXTS, help=TEXTS,
           helpUri={"type": "string", "uri": True}, defaultConfiguration=obj(enabled={"type": "boolean"}, level=LEVEL))  # 3.49
DRIVER = obj("name", name=STRING, version=STRING, semanticVersion={"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
             informationUri={"type": "string", "uri": True}, rules=many(RULE, unique=True))  # 3.19
NOTIFICATION = obj("message", message=MESSAGE, level=LEVEL)  # 3.58
INVOCATION = obj("executionSuccessful", executionSuccessful={"type": "boolean"},
                 toolExecutionNotifications=many(NOTIFICATION))  # 3.20
ARTIFACT = obj(location=ARTIFACT_LOCATION, sourceLanguage=STRING, length=COUNT, contents=CONTENT)  # 3.24
RUN = obj("tool", tool=obj("driver", driver=DRIVER), results=many(RESULT), artifacts=many(ARTIFACT, unique=True),
          invocations=many(INVOCATION), columnKind=one_of("utf16CodeUnits", "unicodeCodePoints"),
          originalUriBaseIds={"type": "object", "values": ARTIFACT_LOCATION})  # 3.14
LOG = {**obj("version runs", version=one_of("2.1.0"), runs=many(RUN)), "schema_key": True}  # 3.13

TYPES = {"string": str, "object": dict, "array": list, "boolean": bool}


def faults(value, schema=LOG, path="$"):
    """Every way in which the value is not of the schema."""
    if "enum" in schema:
        if value not in schema["enum"]:
            yield f"{path}: {value!r} is none of {schema['enum']}"
        return
    kind = schema["type"]
    if kind == "integer":
        if type(value) is not int or value < schema["minimum"]:
            yield f"{path}: {value!r} is no integer of at least {schema['minimum']}"
        return
    if not isinstance(value, TYPES[kind]):
        yield f"{path}: {value!r} is no {kind}"
        return
    if kind == "string":
        if schema.get("uri") and not re.fullmatch(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-F]{2})*", value):
            yield f"{path}: {value!r} is no URI"
        if not re.search(schema.get("pattern", ""), value):
            yield f"{path}: {value!r} does not match {schema['pattern']}"
    elif kind == "array":
        if len(value) < schema["min"]:
            yield f"{path}: fewer than {schema['min']}"
        if schema["unique"] and len({repr(v) for v in value}) != len(value):
            yield f"{path}: two are equal"
        for i, item in enumerate(value):
            yield from faults(item, schema["items"], f"{path}[{i}]")
    elif kind == "object" and "values" in schema:
        for key, item in value.items():
            yield from faults(item, schema["values"], f"{path}.{key}")
    elif kind == "object":
        for key in schema["required"]:
            if key not in value:
                yield f"{path}: `{key}` is missing"
        if schema["any_of"] and not any(key in value for key in schema["any_of"]):
            yield f"{path}: none of {schema['any_of']}"
        for key, item in value.items():
            if key == "$schema" and schema.get("schema_key"):
                continue
            if key not in schema["properties"]:
                yield f"{path}: unknown property `{key}`"
            else:
                yield from faults(item, schema["properties"][key], f"{path}.{key}")
