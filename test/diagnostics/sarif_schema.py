"""Holds SARIF against the standard's own JSON schema (schema/README.md). Its objects are closed, so an unknown property or a
wrong form is found; what it says of formats (URIs) is checked here, since the library does so only with further packages."""

import json
import pathlib
import re

import jsonschema

PATH = pathlib.Path(__file__).parent / "schema" / "sarif-2.1.0-rtm.5.json"
FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("uri")
def absolute(value):
    return not isinstance(value, str) or bool(re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:", value)) and reference(value)


@FORMATS.checks("uri-reference")
def reference(value):
    return not isinstance(value, str) or bool(re.fullmatch(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-F]{2})*", value))


SCHEMA = json.loads(PATH.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft4Validator(SCHEMA, format_checker=FORMATS)


def faults(log):
    """Every way in which the log is not of the schema."""
    for error in VALIDATOR.iter_errors(log):
        yield "$" + "".join(f"[{part!r}]" for part in error.absolute_path) + ": " + error.message[:300]
