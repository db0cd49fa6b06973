"""The ASGI application: parts built once, routes hung in, middleware around it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from redis.asyncio import Redis
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from services.console.directory import DirectoryCache
from services.console.doors import Doors
from services.console.metrics import Measured
from services.console.routes import (
    commands,
    day,
    errors,
    finding,
    furnaces,
    mark_forms,
    marks,
    matter,
    matter_files,
    matters,
    monitor,
    openings,
    outlet,
    outlets,
    outside,
    outside_clues,
    overview,
    power,
    probes,
    referrals,
    screening,
    sign_in,
    transmission,
    work,
)
from services.console.security import SecurityHeaders
from services.console.session import SessionStore
from services.console.settings import ConsoleSettings
from services.console.web import House

STATIC = Path(__file__).parent / "static"
PAGES = (
    sign_in,
    overview,
    outlets,
    outlet,
    day,
    power,
    finding,
    furnaces,
    matters,
    openings,
    matter,
    matter_files,
    monitor,
    commands,
    referrals,
    transmission,
    work,
    outside,
    outside_clues,
    screening,
    mark_forms,
    marks,
    probes,
)


class Files:
    """Static files, packed, kept by browsers for a year: their addresses carry their digest.

    Pages are not packed: a page that holds a CSRF token must not tell it by its length (BREACH).
    """

    def __init__(self, folder: Path) -> None:
        self._files: ASGIApp = GZipMiddleware(StaticFiles(directory=folder))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file."""

        async def kept(message: "dict[str, object]") -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = message["headers"]
                assert isinstance(headers, list)
                headers.append((b"cache-control", b"public, max-age=31536000, immutable"))
            await send(message)

        await self._files(scope, receive, kept)  # type: ignore[arg-type]


def create_app(settings: ConsoleSettings) -> FastAPI:
    """Build the console."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        redis = Redis.from_url(settings.redis_url, socket_timeout=3, socket_connect_timeout=3)
        doors = Doors(settings.grpc_addr)
        app.state.house = House(settings, doors, SessionStore(redis), DirectoryCache())
        yield
        await doors.close()
        await redis.aclose()

    app = FastAPI(lifespan=life, openapi_url=None, docs_url=None, redoc_url=None)
    for page in PAGES:
        app.include_router(page.router)
    app.mount("/static", Files(STATIC))
    errors.add_error_pages(app)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Measured)
    return app
