"""Hosts that modules do not run on: what the probe says of them."""

import pytest

from aimlsetup.engine.observe import probe_facts

RELEASE = 'ID=ubuntu\nVERSION_ID="18.04"\nVERSION_CODENAME=bionic\nPRETTY_NAME="Ubuntu 18.04.6 LTS"\n'
MACHINE = "HOST_KERNEL=4.15.0\nHOST_ARCH=x86_64\nHOST_UID=0\n"


@pytest.mark.parametrize(
    ("pythons", "old", "private"),
    [
        ("HOST_PYTHON=\nHOST_PRIVATE=\n", None, None),
        ("HOST_PYTHON=Python 3.6.9\nHOST_PRIVATE=\n", "3.6.9", None),
        ("HOST_PYTHON=Python 3.6.9\r\nHOST_PRIVATE=Python 3.13.17\r\n", "3.6.9", "3.13.17"),
    ],
)
def test_no_python_an_old_one_and_a_private_one(pythons: str, old: str | None, private: str | None) -> None:
    facts = probe_facts(RELEASE + MACHINE + pythons)
    assert (facts["python"], facts["python_old"], facts["private_python"]) == (None, old, private)
    assert facts["release"] == {"id": "ubuntu", "version": "18.04", "codename": "bionic", "name": "Ubuntu 18.04.6 LTS"}
    assert (facts["kernel"], facts["arch"], facts["uid"]) == ("4.15.0", "x86_64", 0)
