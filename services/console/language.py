"""Words of the pages: one small catalogue a language, JSON with flat keys. Chinese is the default.

What the services say (titles, articles, names of acts) is Chinese and stays as they say it; the
catalogues hold only the console's own words.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "locales"
DEFAULT = "zh_CN"
#: Language code -> its own name and the code that `<html lang>` wants.
LANGUAGES = {"zh_CN": ("中文", "zh-CN"), "en": ("English", "en")}

#: Gives the text of a key, with named places filled.
Translate = Callable[..., str]


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Read a catalogue. An unknown language is the default one."""
    code = language if language in LANGUAGES else DEFAULT
    texts: dict[str, str] = json.loads((FOLDER / f"{code}.json").read_text(encoding="utf-8"))
    return texts


def translator(language: str) -> Translate:
    """Give the function that pages call as `t("queue.title")`. An unknown key is an error."""
    texts = catalogue(language)

    def translate(key: str, **places: object) -> str:
        return texts[key].format(**places) if places else texts[key]

    return translate


def word(language: str, group: str, key: str) -> str:
    """Give the word for a value that another service may extend; an unknown value shows itself."""
    return catalogue(language).get(f"{group}.{key}", key)
