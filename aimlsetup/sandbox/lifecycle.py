"""Hosts come and go: up, down, kill, and what is there."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.sandbox import boot, cgroup, layering, machine, network, recipe, ssh, template
from aimlsetup.sandbox.command import run
from aimlsetup.sandbox.host import Bind, Host, address, check_name, free_index, parse_bind
from aimlsetup.sandbox.state import State, current, lock, read_json, require_root, write_json

Progress = Callable[[str], None]
RECORD = "host.json"


@dataclass(frozen=True)
class Wish:
    """How hosts are to be made."""

    release: str
    template: str
    python: bool
    layer: str | None
    trees: tuple[str, ...]
    """The layer's trees, topmost first."""
    binds: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What is kept of a host between boots."""

    name: str
    index: int
    made: Wish


def up(
    names: Sequence[str],
    release: str = "bookworm",
    *,
    binds: Sequence[str] = (),
    layer: str | None = None,
    python: bool = True,
    mirror: str | None = None,
    progress: Progress = lambda _: None,
) -> list[Host]:
    """Boot hosts, all at once, and return them when ssh and systemd are ready.

    A running host of that name is returned as it is, a stopped or crashed one is booted again on the
    same root; one that was made differently is an error. The root file system is built on the first
    call (half a minute). `binds` are `SOURCE:TARGET[:rw]`, `layer` a name given to `save_layer`,
    `python=False` makes hosts without Python, `mirror` replaces the archive's URL.
    """
    require_root()
    state, names = current(), [check_name(name) for name in dict.fromkeys(names)]
    parsed = [parse_bind(bind) for bind in binds]
    _check_sources(parsed)
    made = local_recipe(release, python=python, mirror=mirror)
    wish = Wish(
        release=release, template=made.key, python=python, layer=layer,
        trees=layering.find(state, layer, made.key).trees if layer else (), binds=tuple(map(str, parsed)),
    )
    records = _records(state)
    for record in records:
        if record.name in names:
            _refuse_difference(record, wish)  # before half a minute is spent on a root file system
    state.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    template.ensure(state, made, {record.made.template for record in records}, progress)
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        return list(pool.map(lambda name: _up(state, name, wish, progress), names))


def _up(state: State, name: str, wish: Wish, progress: Progress) -> Host:
    directory, unit = state.hosts / name, state.unit(name)
    with lock(state.hosts / f"{name}.lock"):
        record = _load(directory) or _allocate(state, name, wish)
        _refuse_difference(record, wish)
        subnet = network.ensure(state)
        if not cgroup.members(unit):
            _boot(state, record, subnet)
        host = _host(state, record, subnet)
        ssh.wait_ready(host, lambda: bool(cgroup.members(unit)))
    progress(f"{name}: {wish.release} at {host.address}")
    return host


def _boot(state: State, record: Record, subnet: IPv4Network) -> None:
    directory, made = state.hosts / record.name, record.made
    ip = network.attach(state, record.name, record.index, subnet)
    boot.mount(directory, [*layering.paths(state, made.trees), state.templates / made.template / "root"])
    public = boot.identify(directory, record.name, ssh.client_key(state))
    ssh.write_client_files(state, record.name, str(ip), public)
    boot.start(directory, state.unit(record.name), record.name, [parse_bind(bind) for bind in made.binds])


def _check_sources(binds: Sequence[Bind]) -> None:
    missing = [str(bind.source) for bind in binds if not bind.source.exists()]
    if missing:
        raise AimlsetupError(
            "sandbox-bind", "what should be mounted into the host does not exist",
            context=[f"missing on this machine: {path}" for path in missing], exit_code=Exit.USAGE,
        )


def local_recipe(release: str, *, python: bool = True, mirror: str | None = None) -> recipe.Recipe:
    """The recipe of a release on this machine, from the mirror that was asked for."""
    mirror = mirror or os.environ.get("AIMLSETUP_SANDBOX_MIRROR")
    return recipe.recipe(release, machine.inspect(), mirror, python=python)


def _allocate(state: State, name: str, wish: Wish) -> Record:
    """Give a new host the lowest free number; its record is what reserves it."""
    with lock(state.root / "lock"):
        record = Record(name, free_index({known.index for known in _records(state)}), wish)
        (state.hosts / name).mkdir(parents=True, exist_ok=True)
        write_json(state.hosts / name / RECORD, asdict(record))
    return record


def _refuse_difference(record: Record, wish: Wish) -> None:
    """A host is what it was made as; wishes left out (no layer, no binds) are not differences."""
    made = record.made
    pairs = {
        "release": (made.release, wish.release), "python": (made.python, wish.python),
        "layer": (made.layer, wish.layer or made.layer), "binds": (list(made.binds), list(wish.binds or made.binds)),
    }
    different = [f"{key}: {was} (asked for: {asked})" for key, (was, asked) in pairs.items() if was != asked]
    if different:
        raise AimlsetupError(
            "sandbox-differs", f"the sandbox host {record.name} exists and was made differently", context=different,
            hint=f"Choose another name, or remove it: aimlsetup sandbox down {record.name}", exit_code=Exit.USAGE,
        )


def _load(directory: Path) -> Record | None:
    document = read_json(directory / RECORD)
    if document is None:
        return None
    made = document["made"]
    return Record(
        document["name"], document["index"], Wish(**made | {key: tuple(made[key]) for key in ("trees", "binds")})
    )


def _records(state: State) -> list[Record]:
    records = (_load(path.parent) for path in sorted(state.hosts.glob(f"*/{RECORD}")))
    return [record for record in records if record]


def _host(state: State, record: Record, subnet: IPv4Network) -> Host:
    directory = state.hosts / record.name
    return Host(
        name=record.name, address=str(address(subnet, record.index)), release=record.made.release,
        state=boot.state_of(directory, state.unit(record.name)), ssh_key=state.ssh_key, ssh_config=state.ssh_config,
        known_hosts=directory / "known_hosts", root=directory / "root",
    )


def hosts() -> list[Host]:
    """Every host of this sandbox, by name, whatever its state."""
    require_root()
    state = current()
    return [_host(state, record, network.recorded(state)) for record in _records(state)]


def find(name: str) -> Host:
    """The host of that name, or an error that lists those there are."""
    known = {host.name: host for host in hosts()}
    if name not in known:
        raise AimlsetupError(
            "sandbox-unknown-host", f"there is no sandbox host {name!r}",
            context=[f"there are: {', '.join(known) or 'none'}"], hint=f"`aimlsetup sandbox up {name}` makes it.",
            exit_code=Exit.USAGE,
        )
    return known[name]


def kill(host: Host) -> None:
    """Pull the host's plug: no shutdown, no sync of its own. `up` boots it again on the same root."""
    require_root()
    cgroup.kill(current().unit(host.name))


def down(names: Sequence[str] | None = None) -> list[str]:
    """Remove hosts and return what was removed; None means all.

    With the last host go the bridge, the rule and the kernel settings; what is cached stays. Finds
    leftovers of killed runs and of a restarted machine by their names, and may be repeated.
    """
    require_root()
    state = current()
    doomed = sorted(_traces(state)) if names is None else [check_name(name) for name in dict.fromkeys(names)]
    if doomed:
        with ThreadPoolExecutor(min(8, len(doomed))) as pool:
            gone = list(pool.map(lambda name: _down(state, name), doomed))
        doomed = [name for name, was in zip(doomed, gone, strict=True) if was]
    layering.prune(state, {tree for record in _records(state) for tree in record.made.trees})
    network.remove(state, lambda: not _traces(state))
    return doomed


def _down(state: State, name: str) -> bool:
    directory, unit = state.hosts / name, state.unit(name)
    with lock(state.hosts / f"{name}.lock", remove=True):
        existed = name in _traces(state)
        cgroup.kill(unit)
        cgroup.remove(unit)
        record = _load(directory)
        if record:
            network.detach(state, name, record.index)
        network.remove_namespace(unit)
        boot.erase(directory)
        run(["rm", "-rf", Path("/run/systemd/nspawn/propagate", unit)], doing="removing nspawn's own directory")
    return existed


def _traces(state: State) -> set[str]:
    """Names of hosts of which anything is left: files, processes or a network namespace."""
    prefix = f"{state.tag}-"
    directories = {path.name for path in state.hosts.glob("*") if path.is_dir()}
    return directories | {unit.removeprefix(prefix) for unit in cgroup.units(prefix) | network.namespaces(prefix)}


def save_layer(host: Host, name: str) -> None:
    """Shut a host down and keep what it changed as layer `name`, for `up(..., layer=name)`; the host is gone."""
    require_root()
    state = current()
    check_name(name, "layer")
    with lock(state.hosts / f"{host.name}.lock"):
        record = _load(state.hosts / host.name)
        if record is None:
            raise AimlsetupError("sandbox-unknown-host", f"there is no sandbox host {host.name!r}")
        boot.power_off(state.unit(host.name))
        boot.unmount(host.root)
        made = record.made
        layering.save(
            state, layering.Layer(name, made.release, made.template, made.trees), state.hosts / host.name / "upper"
        )
    down([host.name])


def layers() -> list[str]:
    """Names of the layers that can be used; drops those whose template would be built differently today."""
    require_root()
    state = current()
    usable = []
    for layer in layering.saved(state):
        if layer.template in {local_recipe(layer.release, python=python).key for python in (True, False)}:
            usable.append(layer.name)
        else:
            layering.drop(state, layer.name)
    return usable


def remove_cache() -> None:
    """Remove every host and everything kept: root file systems, layers, keys, the directory itself."""
    down()
    run(["rm", "-rf", "--one-file-system", current().root], doing="removing the sandbox's directory", timeout=300)
