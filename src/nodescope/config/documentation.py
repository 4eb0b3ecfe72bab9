"""The JSON schema of the configuration, which editors check a file with while it is written.

Run ``python -m nodescope.config.documentation`` (or ``make config``) after a change of a section. ``config.yaml`` is
written by hand; a test compares it with the sections.
"""

import json
from pathlib import Path
from typing import Any

from nodescope.config.root import Config
from nodescope.families import FAMILIES
from nodescope.works.registry import WORKS

SCHEMA_FILE = "workflow/schemas/config.schema.json"


def json_schema() -> str:
    """The text of the JSON schema."""
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "nodescope configuration"
    # A data set may be given by its name alone.
    for study in ("FamilyStudy", "ModuleStudy"):
        dataset = schema["$defs"][study]["properties"]["dataset"]
        names = sorted(dataset.pop("discriminator")["mapping"])
        dataset["oneOf"] = [{"enum": names}, *dataset["oneOf"]]
    of_family = schema["$defs"]["FamilyStudy"]["properties"]
    of_family["model"]["items"] = {"enum": list(FAMILIES)}
    of_family["works"]["items"] = {"enum": list(WORKS)}
    for section in (schema, *schema["$defs"].values()):
        for name, key in section.get("properties", {}).items():
            section["properties"][name] = _or_one_entry(key)
    return json.dumps(schema, indent=1) + "\n"


def _or_one_entry(key: dict[str, Any]) -> dict[str, Any]:
    """The schema of a key, where a list (not a pair) is wanted with the one entry that may stand for it."""
    kinds = key.get("anyOf", [key])
    array = next((kind for kind in kinds if "items" in kind), None)
    if array is None:
        return key
    about: dict[str, Any] = {word: key[word] for word in ("description", "default", "title") if word in key}
    of_list = {word: value for word, value in array.items() if word not in about}
    return {**about, "anyOf": [array["items"], of_list, *(kind for kind in kinds if kind is not array)]}


def main() -> None:
    """Write the schema into the current folder."""
    Path(SCHEMA_FILE).write_text(json_schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
