"""What hosts take over from this machine's apt and pip."""

import pytest

from aimlsetup.sandbox.machine import parse_mirrors, parse_pip

URIS = """\
'http://mirror.test/debian/dists/bookworm/InRelease' mirror.test_debian_dists_bookworm_InRelease 0
'http://mirror.test/debian/dists/bookworm-updates/InRelease' x 0
'https://secure.test/debian-security/dists/bookworm-security/InRelease' x 0
'http://later.test/debian/dists/bookworm/InRelease' x 0
'http://mirror.test/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0
'cdrom:[Debian]/dists/trixie/InRelease' x 0
"""


def test_mirrors_are_those_of_the_machines_release_and_the_first_one_counts() -> None:
    assert parse_mirrors(URIS, "bookworm") == ("http://mirror.test/debian", "https://secure.test/debian-security")


def test_without_a_security_suite_the_main_mirror_stands_in() -> None:
    assert parse_mirrors(URIS.replace("bookworm-security", "other"), "bookworm") == ("http://mirror.test/debian",) * 2


@pytest.mark.parametrize("codename", ["trixie", "sid", ""])
def test_no_network_mirror_of_the_release_is_none(codename: str) -> None:
    assert parse_mirrors(URIS, codename) is None


def test_later_pip_settings_win_and_the_environment_wins_over_files() -> None:
    files = ["[global]\nindex-url = http://one\ntimeout = 1", "[global]\nindex_url = http://two\n[install]\nuser = yes"]
    assert parse_pip(files, {"PIP_TIMEOUT": "9", "HOME": "/root"}) == {"index-url": "http://two", "timeout": "9"}


def test_pip_settings_that_name_this_machines_files_stay_here() -> None:
    text = "[global]\ncert = /etc/ssl/x\nfind-links = /opt/wheels\nextra-index-url = file:///opt/simple https://kept.test/simple"
    assert parse_pip([text], {"PIP_INDEX_URL": "file:///opt/pypi"}) == {"extra-index-url": "https://kept.test/simple"}


def test_a_percent_sign_in_a_pip_setting_is_only_a_percent_sign() -> None:
    assert parse_pip(["[global]\nproxy = http://u:p%40x@proxy.test"], {})["proxy"] == "http://u:p%40x@proxy.test"
