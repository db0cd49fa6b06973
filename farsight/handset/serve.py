"""Run the SMS centre and its page in one asyncio process."""

from pathlib import Path

import uvicorn

from farsight.handset.centre import Centre, Knobs
from farsight.handset.memory import Memory
from farsight.handset.pages import build_app
from services.chassis.log import get_logger
from services.chassis.probes import Probes

log = get_logger(__name__)


async def serve(
    *,
    folder: Path,
    smpp_bind: tuple[str, int],
    page_bind: tuple[str, int],
    probe_bind: tuple[str, int],
    test_knobs: bool,
) -> None:
    """Serve both until SIGTERM or SIGINT."""
    memory, knobs = Memory(folder), Knobs()
    centre = Centre(smpp_bind, memory, knobs)
    await centre.start()
    probes = Probes(probe_bind)
    app = build_app(memory, centre, knobs, test_knobs=test_knobs)
    config = uvicorn.Config(
        app, host=page_bind[0], port=page_bind[1], log_config=None, access_log=False
    )
    probes.ready()
    log.info("handset_ready", smpp=f"{smpp_bind[0]}:{smpp_bind[1]}", page=page_bind[1])
    try:
        await uvicorn.Server(config).serve()  # returns after SIGTERM
    finally:
        probes.not_ready()
        await centre.stop()
