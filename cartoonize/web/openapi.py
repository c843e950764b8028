"""The description of the interface for programs, by the OpenAPI Specification 3.1."""

from functools import cache
from typing import Any

import msgspec

from ..version import __version__
from .settings import ConversionSettings
from .states import JobState, VisitorState

_REF = "#/components/schemas/{name}"
_JOB_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_UPLOAD_ERRORS = "400 411 413 415 429 507"
_ERRORS = {
    "400": "The request, the file or a setting is wrong.",
    "404": "There is no such job of yours, or no result.",
    "410": "The job was stopped, or its result was removed.",
    "411": "The request states no length.",
    "413": "The file is beyond a limit of this server.",
    "415": "The request is not a form.",
    "422": "The file cannot be converted.",
    "429": "Too many of your files wait already.",
    "507": "There is no space for the file.",
}


@cache
def describe_api(*, has_key: bool = False) -> dict[str, Any]:
    """The document, as JSON has it; `has_key` if requests need the key of the page."""
    _, schemas = msgspec.json.schema_components(
        (ConversionSettings, JobState, VisitorState), ref_template=_REF
    )
    schemas["Error"] = {
        "type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"],
    }  # fmt: skip
    schemas["Upload"] = _form_of(schemas["ConversionSettings"])
    description: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "cartoonize",
            "version": __version__,
            "description": "Turn pictures and videos into cartoons. All jobs share one queue with the page, "
            "and have the limits of the page. The server sets a cookie; send it back to use your jobs.",
        },
        "paths": _paths(),
        "components": {"schemas": schemas},
    }
    if has_key:
        description["security"] = [{"key": []}]
        description["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return description


def _paths() -> dict[str, Any]:
    return {
        "/api/image": {"post": _upload("Convert a picture; the response is a PNG", _PICTURE, "422")},
        "/api/video": {"post": _upload("Convert a video or an animation; the response is a job", _QUEUED)},
        "/api/jobs": {
            "get": _operation("List your files and jobs", {"200": _response("All.", schema="VisitorState")})
        },
        "/api/results.zip": {
            "get": _operation(
                "Fetch all your results as one ZIP file",
                {"200": _response("The cartoons, under their names.", "application/zip")}, "404",
            )
        },
        "/api/jobs/{id}": {"parameters": [_JOB_ID], **_job_operations()},
        "/api/jobs/{id}/result": {
            "parameters": [_JOB_ID],
            "get": _operation(
                "Fetch the result of a job; the response waits until there is one",
                {"200": _response("The cartoon.", "video/mp4")}, "404 410 422",
            ),
        },
    }  # fmt: skip


def _job_operations() -> dict[str, Any]:
    return {
        "get": _operation(
            "Read the state of a job. The server drops a job if nobody asks for it for 30 seconds",
            {"200": _response("The job.", schema="JobState")}, "404",
        ),
        "delete": _operation("Stop a job, and remove its files", {"204": {"description": "Done."}}, "404"),
    }  # fmt: skip


def _upload(summary: str, responses: dict[str, Any], more_errors: str = "") -> dict[str, Any]:
    """An operation that takes a file and its settings as a form."""
    content = {"multipart/form-data": {"schema": {"$ref": _REF.format(name="Upload")}}}
    operation = _operation(summary, responses, f"{_UPLOAD_ERRORS} {more_errors}")
    return operation | {"requestBody": {"required": True, "content": content}}


def _operation(summary: str, responses: dict[str, Any], errors: str = "") -> dict[str, Any]:
    failures = {code: _response(_ERRORS[code], schema="Error") for code in sorted(errors.split())}
    return {"summary": summary, "responses": responses | failures}


def _response(description: str, kind: str = "application/json", schema: str = "") -> dict[str, Any]:
    content = {"$ref": _REF.format(name=schema)} if schema else {"type": "string", "contentMediaType": kind}
    return {"description": description, "content": {kind: {"schema": content}}}


def _form_of(settings: dict[str, Any]) -> dict[str, Any]:
    """The schema of a form: a file, and the settings as its other fields."""
    file = {
        "type": "string", "contentMediaType": "application/octet-stream",
        "description": "A picture or a video, with its name.",
    }  # fmt: skip
    properties = {"file": file, **settings["properties"]}
    return {"type": "object", "properties": properties, "required": ["file"], "additionalProperties": False}


_PICTURE = {"200": _response("The cartoon.", "image/png")}
_QUEUED = {"202": _response("The job. Its address is in the header Location.", schema="JobState")}
