"""Every setting the processes get, in one place (环境变量).

Servers, partitions, keys and the SMS centre may be given from outside; addresses and the data
folder are decided by `farsight up`.
"""

from collections.abc import Mapping

from farsight.local.folders import DataFolder
from farsight.local.keys import Passwords, ensure_token_key
from farsight.local.ports import PUBLIC_LISTENERS, Address
from farsight.local.servers import urls

SMPP_SETTING = "FARSIGHT_SMPP_URI"
_SMPP_USER = "farsight"

DEMO_SETTINGS = {
    # Somebody who tries the demo in the evening (Beijing) shall see its SMS at once as well.
    "FARSIGHT_QUIET_HOURS": "none",
}


def platform_environment(
    folder: DataFolder,
    addresses: Mapping[str, Address],
    passwords: Passwords,
    given: Mapping[str, str],
) -> dict[str, str]:
    """`given` (our own environment) completed by what this installation decides."""
    defaults = {
        "FARSIGHT_PARTITIONS": "8",
        "FARSIGHT_TOKEN_KEY": str(ensure_token_key(folder.keys / "token.jwk")),
        SMPP_SETTING: f"smpp://{_SMPP_USER}:{passwords.smpp}@{addresses['smpp']}",
        "FARSIGHT_HANDSET_URL": f"http://{reachable(addresses['handset'])}",
        "FARSIGHT_BOOTSTRAP_PASSWORD": passwords.operator,
        "FARSIGHT_LOG_JSON": "1",
    }
    decided = {
        "FARSIGHT_DATA": str(folder.root),
        "PYTHONUNBUFFERED": "1",
        "FARSIGHT_SMPP_BIND": str(addresses["smpp"]),
        **urls(addresses, passwords, given),
        **{each.setting: str(addresses[each.name]) for each in PUBLIC_LISTENERS if each.setting},
        "FARSIGHT_HJ212_ADDR": reachable(addresses["hj212"]),
        "FARSIGHT_GRPC_ADDR": reachable(addresses["grpc"]),
        "FARSIGHT_GATE_GRPC_ADDR": reachable(addresses["gate-grpc"]),
    }
    return {**defaults, **{key: value for key, value in given.items() if value}, **decided}


def reachable(address: Address) -> str:
    """How a client on this machine reaches a listener that may be bound to every interface."""
    wildcard = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - recognised, not bound
    return f"{wildcard.get(address.host, address.host)}:{address.port}"
