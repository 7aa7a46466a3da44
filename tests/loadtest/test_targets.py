"""Who is asked, and how much at most."""

import pytest

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.loadtest import targets
from aimlsetup.models.load import Pressure

HEALTH = "/api/vision/v2/health"


def service(**more: object) -> dict[str, object]:
    return {"model_key": "a-b-1", "port": 4100, "address": "0.0.0.0", "health_path": HEALTH, **more}  # noqa: S104


@pytest.mark.parametrize(
    ("more", "address", "url"),
    [
        ({}, "10.0.0.7", "http://10.0.0.7:4100/api/vision/v2/predict"),
        ({"address": "::"}, "fd00::7", "http://[fd00::7]:4100/api/vision/v2/predict"),
        ({"address": "10.1.0.7"}, "gpu1", "http://10.1.0.7:4100/api/vision/v2/predict"),
        ({"health_path": "/lab/see/health"}, "gpu1", "http://gpu1:4100/lab/see/predict"),
        ({"address": "127.0.0.1"}, "127.0.0.1", "http://127.0.0.1:4100/api/vision/v2/predict"),
    ],
)
def test_a_service_is_asked_where_it_listens(more: dict[str, object], address: str, url: str) -> None:
    found, deaf = targets.of_host("gpu1", address, [service(**more)])
    assert ([target.url for target in found], deaf) == ([url], [])
    assert (found[0].name, found[0].service) == ("gpu1/a-b-1", "gpu1/a-b-1")


def test_what_only_its_own_host_reaches_is_said() -> None:
    assert targets.of_host("gpu1", "10.0.0.7", [service(address="127.0.0.1")]) == (
        [], ["gpu1/a-b-1 listens on 127.0.0.1 alone"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://gw:8100", "http://gw:8100/api/vision/v2/predict"),
        ("http://gw:8100/", "http://gw:8100/api/vision/v2/predict"),
        ("https://gw/api/vision/v2/", "https://gw/api/vision/v2/predict"),
        ("http://[::1]:8100/x", "http://[::1]:8100/x/predict"),
    ],
)
def test_a_url_is_asked_below_its_path(url: str, asked: str) -> None:
    assert targets.of_url(url).url == asked


@pytest.mark.parametrize(
    "url",
    ["", "gw:8100", "ftp://gw", "http://", "http://gw:99999", "http://gw/?a=b", "http://g w/", "file:///etc/passwd",
     "http://me:secret@gw/", "http://gw/\n"],
)  # fmt: skip
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(AimlsetupError) as caught:
        targets.of_url(url)
    assert caught.value.exit_code == Exit.USAGE
    assert "secret" not in str(caught.value)


def test_too_much_is_refused_with_the_arithmetic() -> None:
    targets.bounded(Pressure(rate=100, users=10, seconds=600), 20)
    with pytest.raises(AimlsetupError) as caught:
        targets.bounded(Pressure(rate=101, users=101, seconds=601), 20)
    assert caught.value.context == (
        "seconds: 601 in all, at most 600", "requests per second: 2020 in all, at most 2000",
        "users: 2020 in all, at most 2000",
    )  # fmt: skip
    assert caught.value.exit_code == Exit.USAGE
