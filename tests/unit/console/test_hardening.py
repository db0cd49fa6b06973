"""Headers, templates and files: what makes an injected text harmless."""

import hashlib
import re
from pathlib import Path

import pytest

from services.console.language import LANGUAGES, catalogue
from services.console.security import POLICY
from tests.unit.console.conftest import Browser
from tests.unit.console.world import OUTLET

CONSOLE = Path(__file__).resolve().parents[3] / "services" / "console"
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))
VENDOR = CONSOLE / "static" / "vendor"


@pytest.mark.parametrize(
    "path",
    ["/", "/matters", "/outlets", f"/outlets/{OUTLET}", "/matters/m-1", "/referrals", "/nowhere",
     f"/outlets/{OUTLET}/curves", "/static/css/base.css"],
)  # fmt: skip
def test_every_answer_carries_the_policy(officer: Browser, path: str) -> None:
    """Pages, data and files alike; pages are kept by no cache."""
    answer = officer.get(path)

    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert ("no-store" in answer.headers["cache-control"]) == (not path.startswith("/static"))


def test_the_policy_allows_nothing_inline() -> None:
    """No unsafe source, no foreign host."""
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    assert "http" not in POLICY


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_inline_code_and_trust_no_text(template: Path) -> None:
    """No style attribute, no handler attribute, no inline script, no `safe` filter."""
    text = template.read_text(encoding="utf-8")

    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son\w+=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "|safe" not in text.replace(" ", "")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_posting_form_carries_its_token(template: Path) -> None:
    """A form without the token could never be sent, or worse, would not need one."""
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", template.read_text(), re.DOTALL):
        assert 'name="csrf"' in form


def test_both_catalogues_say_the_same_keys() -> None:
    """A word added in one language is added in the other; named places agree."""
    texts = {language: catalogue(language) for language in LANGUAGES}
    places = {
        language: {key: sorted(re.findall(r"{(\w+)}", text)) for key, text in table.items()}
        for language, table in texts.items()
    }

    assert places["zh_CN"] == places["en"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_key_of_a_template_is_in_the_catalogue(template: Path) -> None:
    """An unknown key would be an error page."""
    text = template.read_text(encoding="utf-8")
    used = set(re.findall(r"\bt\(\s*[\"']([\w.]+)[\"']\s*[,)]", text))

    assert used <= set(catalogue("zh_CN"))


def test_vendored_files_are_the_ones_we_looked_at() -> None:
    """Their digests stand in the folder's README, and each licence is beside them."""
    table = (VENDOR / "README.md").read_text(encoding="utf-8")
    scripts = sorted(VENDOR.glob("*.js"))

    assert len(scripts) == 2
    for script in scripts:
        assert f"| {hashlib.sha256(script.read_bytes()).hexdigest()} |" in table
    assert {path.name for path in VENDOR.glob("LICENSE*")} >= {
        "LICENSE.htmx.txt",
        "LICENSE.echarts.txt",
    }


def test_static_files_are_packed_and_kept_for_a_year(officer: Browser) -> None:
    """Their address carries a digest; a page is never packed together with its CSRF token."""
    script = officer.get("/static/vendor/echarts-6.1.0.common.min.js")
    page = officer.get("/")

    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in page.headers


def test_files_outside_the_folder_are_out_of_reach(officer: Browser) -> None:
    """No way up the tree."""
    assert officer.get("/static/../settings.py").status_code == 404
    assert officer.get("/static/%2e%2e/settings.py").status_code == 404
