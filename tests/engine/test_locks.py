"""One apply per host and user at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from aimlsetup.engine.locks import held
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.profile import Host


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_the_same_host_under_another_name_is_the_same_host() -> None:
    with held({"a": Host(address="10.0.0.1")}):
        with pytest.raises(AimlsetupError, match="another apply"), held({"b": Host(address="10.0.0.1")}):
            pytest.fail("held twice")
        with held({"b": Host(address="10.0.0.1", port=2222)}):
            pass


def test_it_is_free_again_afterwards() -> None:
    for _ in range(2):
        with held({"a": Host(connection="local")}):
            pass


def test_a_killed_holder_holds_nothing() -> None:
    program = (
        "import signal\nfrom aimlsetup.engine.locks import held\nfrom aimlsetup.models.profile import Host\n"
        "with held({'a': Host()}):\n    print('held', flush=True); signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(AimlsetupError, match="another apply") as raised, held({"a": Host()}):
            pytest.fail("held twice")
        assert f"process: {holder.pid}" in raised.value.context
        holder.kill()
    with held({"a": Host()}):
        pass
