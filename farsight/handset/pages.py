"""The phones as a web page, the texts as JSON, and for tests the knobs."""

from dataclasses import asdict, replace
from importlib import resources
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse, JSONResponse

from farsight.handset.centre import Centre, Knobs
from farsight.handset.memory import Memory, join_texts

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def build_app(memory: Memory, centre: Centre, knobs: Knobs, *, test_knobs: bool) -> FastAPI:
    """The web application."""
    app = FastAPI(title="演示手机", docs_url=None, redoc_url=None, openapi_url=None)
    page = resources.files("farsight.handset").joinpath("page.html").read_text(encoding="utf-8")

    @app.get("/", response_class=HTMLResponse)
    def show_page() -> HTMLResponse:
        return HTMLResponse(page, headers=_HEADERS)

    @app.get("/messages.json")
    def list_messages(phone: str = "", limit: int = 500) -> JSONResponse:
        parts = [part for part in memory.parts if not phone or part.phone == phone]
        texts = [asdict(text) for text in join_texts(parts)[: max(1, limit)]]
        return JSONResponse({"messages": texts, "bound": centre.bound}, headers=_HEADERS)

    if test_knobs:

        @app.post("/knobs")
        def turn_knobs(wanted: dict[str, Any]) -> dict[str, Any]:
            unknown = wanted.keys() - asdict(knobs).keys()
            if unknown:
                raise HTTPException(422, f"no such knob: {', '.join(sorted(unknown))}")
            for name, value in asdict(replace(knobs, **wanted)).items():
                setattr(knobs, name, value)
            return asdict(knobs)

    return app
