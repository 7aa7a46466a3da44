"""A repository that is not signed as it should be is never used, and why is told apart, by gpgv's words and sqv's."""

from collections.abc import Iterator

import pytest

from tests.conftest import factory
from tests.plugins.apt_repository import KEY, PLACE, SIGNER, Repository, alone, run
from tests.plugins.test_packages import Packages

pytestmark = pytest.mark.host

OLD, NEW = "outlived@localhost", "rotated@localhost"
KEYS = f"""
key() {{ gpg -q --batch --passphrase '' "$@" ed25519 sign 0; }}
key --quick-gen-key {NEW}
key --faked-system-time 20200101T000000 --quick-gen-key {OLD}
"""
# A key that expired after it was made and before it signed.
EXPIRE = f"""
print=$(gpg --list-keys --with-colons {OLD} | sed -n 's/^fpr:*\\([0-9A-F]*\\):/\\1/p' | head -1)
gpg -q --batch --faked-system-time 20200201T000000 --quick-set-expire "$print" 20210101T000000
gpg --export {OLD} > {KEY}
"""
TAMPER = f"sed -i 's/^Origin: .*/Origin: somebody else/' {PLACE}/InRelease"
# Who signed it, what is done then on the host, and what is said about it.
WRONG = {
    "rotated": (NEW, "true", "which this host does not know", "changed keys"),
    "expired": (OLD, EXPIRE, "with a key that has expired", "clock"),
    "tampered": (SIGNER, TAMPER, "does not fit its content", "mirror"),
    "unsigned": (None, "true", "is not signed", "signed repository"),
}


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def repository(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """A repository with one package, the only source of a host whose apt asks gpgv (bookworm) or sqv (trixie)."""
    with factory() as hosts:
        host = hosts(request.param)
        alone(host)
        run(host, KEYS)
        made = Repository(host, tmp_path_factory.mktemp("repository"))
        made.make_key()
        made.name_it()
        made.add("alpha", "1")
        yield made


@pytest.fixture(scope="module")
def packages(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return Packages(repository.host, tmp_path_factory.mktemp("collections"))


@pytest.mark.parametrize("case", WRONG)
def test_told_apart(repository: Repository, packages: Packages, case: str) -> None:
    signer, script, what, hint = WRONG[case]
    host = repository.host
    repository.publish(signer=signer)
    run(host, f"cp {KEY} /srv/key")
    try:
        run(host, f"{script}\nrm -rf /var/lib/apt/lists/*")
        refused = packages("alpha")
    finally:
        run(host, f"mv /srv/key {KEY}")
    assert refused["failed"]
    assert what in refused["msg"]
    assert hint in refused["msg"].splitlines()[-1]
    assert "ok installed" not in run(host, "dpkg-query -W -f '${Status}' alpha || true")


def test_signed_as_it_should_be(repository: Repository, packages: Packages) -> None:
    repository.publish()
    run(repository.host, "rm -rf /var/lib/apt/lists/*")
    assert packages("alpha")["changed"]
