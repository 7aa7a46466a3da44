"""What goes into a root file system, and when two are the same."""

from dataclasses import replace

import pytest

from aimlsetup.errors import AimlsetupError
from aimlsetup.sandbox.recipe import BUNDLE, DISTRIBUTIONS, RELEASES, Machine, recipe

PLAIN = Machine(mirrors={}, apt="", certificates={}, pip={})
LOCAL = Machine(
    mirrors={"debian": ("http://mirror.test/debian", "http://mirror.test/security")},
    apt='Acquire::http::Proxy "http://proxy.test:3128";\n', certificates={"own.crt": "PEM"},
    pip={"index-url": "https://index.test/simple"},
)


@pytest.mark.parametrize("name", list(RELEASES))
def test_a_recipe_without_local_settings_uses_the_canonical_archives(name: str) -> None:
    source = DISTRIBUTIONS[RELEASES[name].distribution]
    made = recipe(name, PLAIN)
    assert made.mirrors == {source.mirror: name, source.security_mirror: f"{name}-security"}
    assert f"Signed-By: {source.keyring.path}" in made.sources
    assert set(made.files) == {"etc/ssh/sshd_config.d/aimlsetup-sandbox.conf"}


def test_the_key_is_stable_and_names_the_release() -> None:
    assert recipe("bookworm", LOCAL).key == recipe("bookworm", LOCAL).key
    assert recipe("bookworm", PLAIN).key.startswith("bookworm-")


def test_everything_that_is_built_in_changes_the_key() -> None:
    keys = [
        recipe("bookworm", PLAIN).key,
        recipe("trixie", PLAIN).key,
        recipe("bookworm", PLAIN, python=False).key,
        recipe("bookworm", PLAIN, "http://other.test/debian").key,
        *(recipe("bookworm", replace(PLAIN, **{field: getattr(LOCAL, field)})).key
          for field in ("mirrors", "apt", "certificates", "pip")),
        replace(recipe("bookworm", PLAIN), version=0).key,
    ]
    assert len(set(keys)) == len(keys)


def test_the_machines_own_mirrors_serve_only_its_own_distribution() -> None:
    assert list(recipe("trixie", LOCAL).mirrors) == list(LOCAL.mirrors["debian"])
    assert list(recipe("noble", LOCAL).mirrors) == list(recipe("noble", PLAIN).mirrors)


def test_a_given_mirror_wins_and_may_come_with_one_for_security() -> None:
    own = LOCAL.mirrors["debian"][1]
    assert list(recipe("bookworm", LOCAL, "http://a.test/debian/").mirrors) == ["http://a.test/debian", own]
    assert list(recipe("bookworm", LOCAL, "http://a.test/d http://b.test/s").mirrors) == ["http://a.test/d", "http://b.test/s"]


def test_local_authorities_reach_python_programs_too() -> None:
    files = recipe("bookworm", LOCAL).files
    assert files["usr/local/share/ca-certificates/own.crt"] == "PEM"
    assert files["etc/pip.conf"].splitlines() == ["[global]", f"cert = {BUNDLE}", "index-url = https://index.test/simple"]
    assert {f'SSL_CERT_FILE="{BUNDLE}"', 'UV_DEFAULT_INDEX="https://index.test/simple"'} <= set(
        files["etc/environment"].splitlines()
    )


def test_python_can_be_left_out() -> None:
    assert not [name for name in recipe("bookworm", PLAIN, python=False).packages if "python" in name]
    assert "python3-apt" in recipe("bookworm", PLAIN).packages


def test_an_unknown_release_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(AimlsetupError, match="'buster'") as caught:
        recipe("buster", PLAIN)
    assert all(name in caught.value.context[0] for name in RELEASES)
