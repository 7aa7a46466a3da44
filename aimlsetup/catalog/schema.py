"""JSON Schema of profile and lock for editors. `script/schema` writes it to docs/schema."""

import json
from functools import cache

from pydantic import BaseModel

from aimlsetup import content, files
from aimlsetup.catalog import profiles
from aimlsetup.models.lock import Lock


def models() -> dict[str, type[BaseModel]]:
    """The documents that have a schema, by kind."""
    return {"profile": profiles.file_model(), "lock": Lock}


def schema(kind: str) -> str:
    """The schema of one kind as text, the same for the same models."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **models()[kind].model_json_schema()}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


@cache
def comment(kind: str) -> str:
    """The line (without its `#`) by which editors find the schema of a file."""
    repository = files.read(content.root() / "galaxy.yml").data["repository"]
    return f"yaml-language-server: $schema={repository}/raw/main/docs/schema/{kind}.schema.json"
