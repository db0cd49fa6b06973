"""What `farsight up` prints when all is ready: where to go and who to sign in as."""

from farsight.lab.province import read_rows
from farsight.local.environment import reachable
from farsight.local.installation import Installation
from farsight.local.processes import Run

DEMO_LOGINS = ("officer5.130481", "leader.130400", "plant01")
"""A county officer and a city leader with work waiting, and a plant's environment manager."""


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
    demo = installation.run is Run.DEMO
    return [
        *(
            ["The demo loggers send 90 days of history first; the console fills as they do.", ""]
            if demo
            else []
        ),
        f"  console       http://{address['console']}",
        *(_demo_logins() if demo else _first_login(installation)),
        f"  handset view  {installation.environment['FARSIGHT_HANDSET_URL']}",
        f"  HJ 212        {address['hj212']} (TCP)",
        f"  gRPC          {address['grpc']} (all services), {address['gate-grpc']} (readings)",
    ]


def _first_login(installation: Installation) -> list[str]:
    """The one account of an empty installation; its password is not for a screen."""
    where = installation.folder.keys / "servers.json"
    return [f'    operator            password: "operator" in {where}']


def _demo_logins() -> list[str]:
    accounts = {row["user_name"]: row for row in read_rows("accounts")}
    return [
        f"    {name:<19} password: {accounts[name]['password']}  {accounts[name]['display_name']}"
        for name in DEMO_LOGINS
    ]
