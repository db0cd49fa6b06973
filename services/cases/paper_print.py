"""Prints documents: facts into a template (Jinja2, sandboxed), the page into PDF/A (WeasyPrint).

The same facts give the same bytes, in any process. A font family that is not installed and a sign
that the font does not have are refused: Pango would set them in whatever else there is.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from services.cases import paper_data
from services.chassis.errors import InputRejected, Unavailable

FONT = "Noto Serif CJK SC"
#: Names of the digests that a paper carries, in the order of its columns.
ALGORITHMS = ("sha-256", "sm3")
_VARIANT = "pdf/a-3b"
#: The end of a number, from its year on: a line never ends inside it.
_UNBROKEN = re.compile(r"〔[0-9]{4}〕[0-9-]+号?")
#: Fontconfig and Pango keep caches of the process; two threads print one after the other.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Printed:
    """A page that was printed. `text` is what a reader reads, for the check of references."""

    html: str
    text: str
    pdf: bytes
    pages: int

    @property
    def sha256(self) -> bytes:
        """Digest of the PDF."""
        return hashlib.sha256(self.pdf).digest()

    @property
    def sm3(self) -> bytes:
        """Digest of the PDF (GB/T 32905)."""
        return hashlib.new("sm3", self.pdf).digest()


def font_family() -> str:
    """Face of the body: `FARSIGHT_PAPER_FONT`, else the one that setup installs."""
    family = os.environ.get("FARSIGHT_PAPER_FONT", "") or FONT
    if any(sign in family for sign in "\"';{}\\<>"):
        raise InputRejected(f"setting FARSIGHT_PAPER_FONT is no font family: {family!r}")
    return family


def fill(file: str, facts: Mapping[str, Any], *, draft: bool = False) -> str:
    """The page of a template as HTML, with its style inside."""
    style = paper_data.text("paper.css").replace("FONT_FAMILY", font_family())
    html = _environment().get_template(file).render(**facts, style=style, draft=draft)
    head, mark, body = html.partition("</head>")
    return head + mark + _UNBROKEN.sub(r'<span class="nobreak">\g<0></span>', body)


def print_page(html: str) -> Printed:
    """PDF of a page. Raises `Unavailable` where the machine cannot print it as it should."""
    with _ONE_AT_A_TIME:
        document = (
            _weasyprint().HTML(string=html, url_fetcher=_fetch_nothing).render(pdf_variant=_VARIANT)
        )
        pdf = document.write_pdf(pdf_variant=_VARIANT)
    _check_fonts(document)
    return Printed(html, text_of(html), pdf, len(document.pages))


def text_of(html: str) -> str:
    """What a reader reads, one line a block."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts)


@cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(paper_data.text),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["lines"] = _lines
    environment.filters["said"] = _said
    return environment


def _lines(text: str) -> list[str]:
    """Paragraphs of what somebody typed; empty ones are none."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _said(text: str) -> str:
    """What somebody typed as a part of a sentence: one line, without the full stop of its own."""
    return "；".join(line.rstrip("。；;.") for line in _lines(text))


@cache
def _weasyprint() -> Any:
    """The printer. It loads libraries of the system; a process that never prints does without."""
    try:
        import weasyprint  # noqa: PLC0415 (0.4 s and the system's libraries, only for who prints)
    except OSError as fault:
        raise Unavailable(
            f"documents cannot be printed on this machine: {fault}; run `tools/setup.sh printer`"
        ) from fault
    return weasyprint


def _fetch_nothing(url: str, *_: Any, **__: Any) -> Any:
    """A page is whole: nothing of it comes from elsewhere."""
    raise ValueError(f"a document loads nothing, not {url}")


def _check_fonts(document: Any) -> None:
    family = font_family()
    for font in document.fonts.values():
        if font.missing:
            signs = "".join(map(chr, sorted(font.missing)))
            raise Unavailable(f"the font {font.family} lacks {signs!r}", font=font.family)
        if font.family != family:
            raise Unavailable(
                f"the font {family} is not installed or lacks signs of this document: "
                f"{font.family} stood in; run `tools/setup.sh printer` or set FARSIGHT_PAPER_FONT",
                font=family,
            )


class _Reader(HTMLParser):
    """Collects text; a block ends a line, style and title are not read."""

    _BLOCKS = frozenset({"p", "div", "h1", "h2", "td", "th", "tr", "li", "table", "section"})
    _SILENT = frozenset({"style", "title", "script"})

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Skip what is not read."""
        del attrs
        self._silent += tag in self._SILENT

    def handle_endtag(self, tag: str) -> None:
        """End a line with its block."""
        self._silent -= tag in self._SILENT
        if tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep text as one run, without the source's own line breaks."""
        if not self._silent:
            self.parts.append(" ".join(data.split()))
