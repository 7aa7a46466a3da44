"""`aimlsetup completion`: the script that a shell needs."""

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  aimlsetup completion bash > ~/.local/share/bash-completion/completions/aimlsetup
    zsh:   aimlsetup completion zsh > ~/.zfunc/_aimlsetup     with ~/.zfunc in fpath
    fish:  aimlsetup completion fish > ~/.config/fish/completions/aimlsetup.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.ClickException(f"click has no completion for {shell}")
    root = click.get_current_context().find_root().command
    click.echo(found(root, {}, "aimlsetup", "_AIMLSETUP_COMPLETE").source())
