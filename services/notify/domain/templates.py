"""短信模板 Approved templates: the only texts that go out, filled with limited parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from services.chassis.errors import InputRejected
from services.notify.domain.text import parts_of, shorten, units

_AUDIENCES = frozenset({"enterprise", "officer", "any"})
# A link in an official text trains people to follow links; carriers refuse it as well.
_LINK = re.compile(r"://|www\.|https?:|\.(?:com|cn|net|gov)(?![a-z])", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Template:
    """模板 One approved text. `parameters`: name to longest length in UCS-2 units."""

    key: str
    audience: str
    text: str
    max_parts: int
    parameters: Mapping[str, int]

    def render(self, signature: str, values: Mapping[str, str]) -> str:
        """The SMS with its signature in front.

        Raises InputRejected for a missing parameter or one that holds a link; parameters that the
        template does not name are left out.
        """
        missing = sorted(self.parameters.keys() - values.keys())
        if missing:
            raise InputRejected(f"template {self.key} lacks {', '.join(missing)}")
        filled = {name: _fit(name, values[name], size) for name, size in self.parameters.items()}
        return f"【{signature}】{self.text.format_map(filled)}"

    def longest(self, signature: str) -> str:
        """The longest text the template can become."""
        return self.render(signature, {name: "字" * n for name, n in self.parameters.items()})


def read_templates(document: Mapping[str, Any], signature: str) -> dict[str, Template]:
    """Templates by key. Raises ValueError that names the template with a fault."""
    if not 2 <= units(signature) <= 20:
        raise ValueError("a signature has 2 to 20 characters")
    found: dict[str, Template] = {}
    for row in document["templates"]:
        template = Template(
            row["key"], row["audience"], row["text"], row["max_parts"], row["parameters"]
        )
        _check(template, signature)
        if template.key in found:
            raise ValueError(f"template {template.key} is written twice")
        found[template.key] = template
    return found


def _check(template: Template, signature: str) -> None:
    named = {name for _, name, _, _ in Formatter().parse(template.text) if name is not None}
    if named != set(template.parameters):
        raise ValueError(f"template {template.key}: text and parameters name different things")
    if template.audience not in _AUDIENCES:
        raise ValueError(f"template {template.key}: unknown audience {template.audience}")
    if parts_of(template.longest(signature)) > template.max_parts:
        raise ValueError(f"template {template.key} may take more than {template.max_parts} parts")


def _fit(name: str, value: str, limit: int) -> str:
    cleaned = _CONTROL.sub(" ", value).strip()
    if _LINK.search(cleaned):
        raise InputRejected(f"parameter {name} holds a link")
    return shorten(cleaned, limit)
