"""`aimlsetup sandbox`: disposable hosts on this machine."""

import json
import os
from pathlib import Path

import click

from aimlsetup import sandbox

as_json = click.option("--json", "json_", is_flag=True, help="Print a versioned JSON document and nothing else.")


@click.group()
def command() -> None:
    """Disposable Debian and Ubuntu hosts on this machine.

    They boot in half a second from a cached root file system, run systemd and sshd, and are removed without
    a trace. Needs root.

    \b
    aimlsetup sandbox up web db             boot two hosts
    aimlsetup sandbox ssh web -- uptime     run a command on one
    aimlsetup sandbox down --all            remove them all, network included
    """


@command.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--release", default="bookworm", show_default=True, type=click.Choice(list(sandbox.RELEASES)))
@click.option("--bind", "binds", multiple=True, metavar="SOURCE:TARGET[:rw]",
              help="Show the hosts a directory of this machine, read-only unless told otherwise.")
@click.option("--layer", metavar="LAYER", help="Start from what `sandbox save` kept.")
@click.option("--no-python", is_flag=True, help="Hosts without Python.")
@click.option("--mirror", metavar="'URL [SECURITY-URL]'", envvar="AIMLSETUP_SANDBOX_MIRROR",
              help="The archive to build from, instead of this machine's own or the canonical one.")
@as_json
def up(
    names: tuple[str, ...], release: str, binds: tuple[str, ...], layer: str | None, no_python: bool,
    mirror: str | None, json_: bool,
) -> None:
    """Boot hosts, by default one named `sandbox`, and wait until they answer.

    A host that runs is left as it is; one that was switched off or killed boots again with its files.

    \b
    aimlsetup sandbox up web db --release trixie
    aimlsetup sandbox up old --bind /opt/python/3.7:/opt/python/3.7
    """
    hosts = sandbox.up(
        names or ["sandbox"], release, binds=binds, layer=layer, python=not no_python, mirror=mirror,
        progress=lambda line: click.echo(line, err=True),
    )
    if json_:
        _print_hosts(hosts)
    else:
        first = hosts[0]
        click.echo(f"log in with: aimlsetup sandbox ssh {first.name}   or: ssh -F {first.ssh_config} {first.name}")


@command.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="All hosts, other people's too.")
@click.option("--cache", is_flag=True, help="All hosts, and the cached root file systems, layers and keys.")
@as_json
def down(names: tuple[str, ...], all_: bool, cache: bool, json_: bool) -> None:
    """Remove hosts; with the last one go bridge, address translation and forwarding.

    Also clears what a crash or a restart of this machine has left behind.

    \b
    aimlsetup sandbox down web db
    aimlsetup sandbox down --all
    """
    if bool(names) == (all_ or cache):
        raise click.UsageError("name the hosts to remove, or say --all (or --cache)")
    removed = sandbox.down(names or None)
    if cache:
        sandbox.remove_cache()
    if json_:
        _print("sandbox-down", removed=removed)
    else:
        click.echo(f"removed: {', '.join(removed) or 'nothing was there'}")


@command.command("list")
@as_json
def list_(json_: bool) -> None:
    """List the hosts, whatever their state.

    \b
    aimlsetup sandbox list --json | jq -r '.hosts[].address'
    """
    hosts = sandbox.hosts()
    if json_:
        _print_hosts(hosts)
        return
    for host in hosts:
        click.echo(f"{host.name:<24} {host.state:<8} {host.release:<9} {host.address}")


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("words", metavar="[-- COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@click.option("--user", default="root", show_default=True)
def ssh(name: str, words: tuple[str, ...], user: str) -> None:
    """Log in to a host, or run a command on it; its words arrive as they are, no shell expands them.

    \b
    aimlsetup sandbox ssh web
    aimlsetup sandbox ssh web -- sh -c 'echo $HOME'
    """
    argv = sandbox.ssh_argv(sandbox.find(name), *words, user=user)
    os.execvp(argv[0], argv)  # noqa: S606 - the terminal, the signals and the exit status are ssh's


@command.command()
@click.argument("name")
@click.argument("layer")
@as_json
def save(name: str, layer: str, json_: bool) -> None:
    """Shut a host down and keep its changes as a layer that other hosts can start from.

    \b
    aimlsetup sandbox save prepared base
    aimlsetup sandbox up a b --layer base
    """
    sandbox.save_layer(sandbox.find(name), layer)
    if json_:
        _print("sandbox-save", layer=layer)
    else:
        click.echo(f"saved: {layer}")


@command.command()
@click.option("--release", "releases", multiple=True, type=click.Choice(list(sandbox.RELEASES)),
              help="Also ask whether the archive of this release answers (may be repeated).")
@click.option("--boot", is_flag=True, help="Also boot one host for real (builds the root file system the first time).")
@as_json
@click.pass_context
def probe(ctx: click.Context, releases: tuple[str, ...], boot: bool, json_: bool) -> None:
    """Say what this machine lacks to boot hosts, why it is needed and what to do; exit status 1 if anything.

    \b
    aimlsetup sandbox probe --boot
    aimlsetup sandbox probe --release noble
    """
    lacks = sandbox.probe(releases=releases, boot=boot)
    if json_:
        _print("sandbox-probe", lacks=[vars(lack) for lack in lacks], changes=sandbox.changes())
    else:
        for lack in lacks:
            click.echo(f"lacking: {lack.name}\n  why: {lack.why}\n  found: {lack.found}\n  do: {lack.remedy}")
        if not lacks:
            click.echo("this machine can boot sandbox hosts; `sandbox up`:")
            for change in sandbox.changes():
                click.echo(f"  - {change}")
    ctx.exit(1 if lacks else 0)


def _print_hosts(hosts: list[sandbox.Host]) -> None:
    _print("sandbox-list", hosts=[
        {key: str(value) if isinstance(value, Path) else value for key, value in vars(host).items()} for host in hosts
    ])


def _print(kind: str, **content: object) -> None:
    click.echo(json.dumps({"version": 1, "kind": kind, **content}, indent=2, sort_keys=True))
