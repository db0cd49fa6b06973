"""/livez and /readyz on the console's own port; the metrics stay on `FARSIGHT_PROBE_BIND`."""

from fastapi import APIRouter, Request
from grpc import RpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.responses import PlainTextResponse, Response

from services.console.web import House, house_of

router = APIRouter()

#: Seconds the doors may take to say that they serve.
HEALTH_DEADLINE_S = 2.0


@router.get("/livez")
async def livez() -> Response:
    """Say that the process turns; asks nobody."""
    return PlainTextResponse("alive\n")


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Say whether pages can be served: Redis and the doors answer."""
    missing = await what_is_missing(house_of(request))
    if missing:
        return PlainTextResponse(f"{missing}\n", 503)
    return PlainTextResponse("ready\n")


async def what_is_missing(house: House) -> str:
    """Name the server that does not answer, with its setting; empty when all do."""
    if not await house.sessions.ping():
        return "Redis does not answer (REDIS_URL)"
    for address, channel in house.doors.channels.items():
        try:
            stub = health_pb2_grpc.HealthStub(channel)
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=HEALTH_DEADLINE_S)
        except RpcError:
            return f"the gRPC door at {address} does not answer (FARSIGHT_GRPC_ADDR)"
    return ""
