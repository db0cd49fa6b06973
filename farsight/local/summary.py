"""What `farsight up` prints when all is ready: where to go and who to sign in as."""

from farsight.local.environment import reachable
from farsight.local.installation import Installation
from farsight.local.processes import Run


def summary(installation: Installation, seconds: float) -> str:
    """The closing lines of a start."""
    lines = [
        f"ready after {seconds:.0f} s",
        "",
        *(_servers(installation) if installation.run is Run.SERVERS else _doors(installation)),
        f"  logs          {installation.folder.logs}",
        "",
        "Ctrl-C or `farsight down` ends everything; `farsight status` shows how it is.",
    ]
    return "\n".join(lines)


def _servers(installation: Installation) -> list[str]:
    """For a developer who starts services by hand: what to put into the environment."""
    return [f"  export {each.setting}={each.url}" for each in installation.servers]


def _doors(installation: Installation) -> list[str]:
    address = {name: reachable(each) for name, each in installation.addresses.items()}
    return [
        f"  console       http://{address['console']}",
        *(_logins() if installation.run is Run.DEMO else ()),
        f"  HJ 212        {address['hj212']} (TCP)",
        f"  gRPC          {address['grpc']} (all services), {address['gate-grpc']} (readings)",
        f"  handset view  {installation.environment['FARSIGHT_HANDSET_URL']}",
    ]


def _logins() -> list[str]:
    return []
