"""Reading what uv writes."""

from aimlsetup.locking import index

OUTPUT = """\
absl-py==2.5.1 \\
    --hash=sha256:bb \\
    --hash=sha256:aa
    # via
    #   keras
    #   tensorflow-cpu
keras==3.15.1 \\
    --hash=sha256:cc
    # via
    #   -c bounds.txt
    #   -r wishes.txt
    #   tensorflow-cpu
"""


def test_packages_with_their_parents() -> None:
    absl, keras = index.parse(OUTPUT)
    assert absl == index.Package(
        "absl-py", "2.5.1", "absl-py==2.5.1 --hash=sha256:aa --hash=sha256:bb", ("keras", "tensorflow-cpu")
    )
    assert keras.parents == ("tensorflow-cpu",)


def test_nothing_is_no_package() -> None:
    assert index.parse("") == []
