"""One installation, made of its folder and what it remembers (安装): ports, passwords, servers."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from farsight.local import ports
from farsight.local.environment import DEMO_SETTINGS, SMPP_SETTING, platform_environment
from farsight.local.folders import DataFolder
from farsight.local.keys import ensure_passwords
from farsight.local.ports import PRIVATE_LISTENERS, PUBLIC_LISTENERS, Address
from farsight.local.processes import Process, Run, processes
from farsight.local.programs import Program
from farsight.local.servers import Server, plan


@dataclass(frozen=True)
class Installation:
    """Everything decided before anything is started."""

    folder: DataFolder
    run: Run
    addresses: Mapping[str, Address]
    servers: tuple[Server, ...]
    processes: tuple[Process, ...]
    environment: Mapping[str, str]

    @property
    def programs(self) -> list[Program]:
        """What the supervisor runs: servers first."""
        return [
            *(program for server in self.servers for program in server.programs),
            *(process.program(self.addresses) for process in self.processes),
        ]


def plan_installation(
    folder: DataFolder,
    *,
    run: Run,
    asked: Mapping[str, Address],
    use_preferred: bool = True,
    given: Mapping[str, str] = os.environ,
) -> Installation:
    """Decide ports, servers, processes and settings; prepares the servers' folders."""
    rows = processes(run, own_sms_centre=not given.get(SMPP_SETTING))
    listeners = (
        *PUBLIC_LISTENERS,
        *PRIVATE_LISTENERS,
        *(row.probe_listener for row in rows),
    )
    memory = folder.root / "ports.json"
    remembered = ports.load(memory)
    from_settings = {
        each.name: Address.parse(given[each.setting])
        for each in PUBLIC_LISTENERS
        if each.setting and given.get(each.setting)
    }
    addresses = ports.choose(
        listeners,
        asked={**from_settings, **asked},
        remembered=remembered,
        use_preferred=use_preferred,
    )
    ports.save(memory, {**remembered, **addresses})
    passwords = ensure_passwords(folder.keys / "servers.json")
    base = {**DEMO_SETTINGS, **given} if run is Run.DEMO else given
    return Installation(
        folder,
        run,
        addresses,
        tuple(plan(folder, addresses, passwords, given)),
        tuple(rows),
        platform_environment(folder, addresses, passwords, base),
    )


def known_environment(folder: DataFolder, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The settings of an installation that has been started before, for the other commands.

    Our own environment unchanged where the folder has never been used.
    """
    addresses = ports.load(folder.root / "ports.json")
    if not addresses:
        return dict(given)
    passwords = ensure_passwords(folder.keys / "servers.json")
    return platform_environment(folder, addresses, passwords, given)
