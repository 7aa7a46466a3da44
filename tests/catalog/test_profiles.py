"""Profiles that are refused, each with file, line and column."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from aimlsetup import content, files
from aimlsetup.catalog import profiles
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.profile import Profile

ENV = "python_env:\n  envs:\n    - {name: py_3}\n"
HERE = Path("aimlsetup.yml")
# text, place, words
REFUSED = [
    ("hsots: {}", "1:1", "unknown key 'hsots'"),
    ("gpu_sources: {pins: []}", "1:15", "unknown key 'pins'"),  # the lock's alone
    ("version: 2", "1:10", "version: expected 1"),
    ("components: [base, codhub]", "1:20", "did you mean 'codehub'?"),
    ("sources: {pipy: 'https://x'}", "1:11", "known are: pypi"),
    ("sources: {pypi: 'https://me:hunter2@x/simple'}", "1:17", "credentials in a URL"),
    ("sources: {pypi: {url: 'https://me:hunter2@x/simple'}}", "1:17", "credentials in a URL"),
    ("sources: {debian: {url: 'http://x/debian', fingerprints: [3BF863CC]}}", "1:19", "full fingerprint"),
    ("roots: {data: dat}", "1:15", "an absolute path"),
    ("roots: {data: /a/../b}", "1:15", "an absolute path"),
    ('roots: {data: "/a\\nb"}', "1:15", "an absolute path"),
    ("roots: {data: /}", "1:15", "the file system's own root"),
    ("hosts: {a b: {}}", "1:9", "letters, digits"),
    ("hosts: {web: {port: 70000}}", "1:21", "less than or equal to 65535"),
    ("hosts: {web: {become: {password: 'env:X'}}}", "1:34", "no method"),
    ("hosts: {web: {become: {method: sudo, password: hunter2}}}", "1:48", "a secret is a reference"),
    ("hosts: {web: {groups: [gpu]}}\ngroups: {gpus: {}}", "1:24", "did you mean 'gpus'?"),
    ("groups: {gpus: {hosts: {}}}", "1:17", "unknown key 'hosts'"),
    ("groups: {gpus: {codehub: {hoem: /x}}}", "1:27", "did you mean 'home'?"),
    ("groups: {gpus: {components: [cudaa]}}", "1:30", "did you mean 'cuda'?"),
    ("groups: {gpus: {codehub: {databases: {REDISCFG: {password: hunter2}}}}}", "1:60", "a secret is a reference"),
    ("groups: {gpus: {requests: {cuda: '11.8'}}}", "1:28", "the device is a CPU"),
    (f"{ENV}codehub: {{env_name: py_3}}\ngroups: {{a: {{python_env: {{envs: []}}}}}}", "5:10", "with this group, no"),
    ("prefix: /scratch/ann", "1:9", "everything is made for the whole system"),
    ("scope: user\nhosts: {web: {become: {method: sudo}}}", "2:23", "without root"),
    ("scope: user\ncomponents: [base, cuda]", "2:20", "cuda needs root"),
    ("scope: user\nrequests: {device: gpu, channel: nvidia}", "2:34", "installs packages, which needs root"),
    ("requests: {python: 3.1}", "1:20", "put the value in quotes"),
    ("requests: {python: new}", "1:20", "not a version wish"),
    ("requests: {device: tpu}", "1:20", "expected 'cpu' or 'gpu'"),
    ("requests: {framework: {torch: '2'}}", "1:24", "expected 'tensorflow' or 'pytorch'"),
    ("requests: {framework: {tensorflow: '2.20'}}", "1:23", "no environment to install it into"),
    (f"{ENV}requests: {{framework: {{tensorflow: latest}}}}", "4:36", "not a version wish"),
    ("requests: {cuda: '11.8'}", "1:12", "the device is a CPU"),
    ("requests: {device: gpu, cuda: {prefer: new}}", "1:31", "not a version wish"),
    ("requests: {device: gpu, cuda: {perfer: '11.8'}}", "1:25", "'prefer' is missing"),
    ("requests: {device: gpu, driver: {track: stable}}", "1:41", "expected 'lts'"),
    ("requests: {device: gpu, channel: apt}", "1:34", "expected 'nvidia', 'distro' or 'pip'"),
    ("hosts: {web: {gpus: ['2684']}}", "1:22", "a PCI id"),
    ("requests: {gpu_capability: {'10de:2684': '8'}}", "1:42", "a compute capability"),
    ("preset: tensorflow-curent", "1:9", "did you mean 'tensorflow-current'?"),
    ("preset: tensorflow-current", "1:9", "no environment to install it into"),
    (f"{ENV}    - {{name: py_3}}", "4:14", "name py_3 is taken by python_env.envs[0]"),
    ("python_env: {envs: [{}]}", "1:21", "'name' is missing"),
    ("python_env: {envs: [{name: a, installer: conda}]}", "1:42", "expected 'uv' or 'pip'"),
    ("python_env: {envs: [{name: a, requirements: ['x y z']}]}", "1:46", "not a requirement"),
    ("python_env: {envs: [{name: a, requirements: ['-r /etc/passwd']}]}", "1:46", "not a requirement"),
    ("python_env: {envs: [{name: a, requirements: ['x @ https://x/y.whl']}]}", "1:46", "from a URL"),
    ("python_env: {envs: [{name: a, keep: '1'}]}", "1:37", "expected a whole number, found text"),
    ("codehub: {databases: {REDISCFG: {password: hunter2}}}", "1:44", "a secret is a reference"),
    ("codehub: {home: relative}", "1:17", "an absolute path"),
    ("codehub: {env_name: py_9}", "1:21", "no environment 'py_9'"),
    ("ai_service: {services: [{port: 1}]}", "1:25", "'model_key' is missing"),
    ("ai_service: {services: [{model_key: a-b-1, port: 4100}]}", "1:25", "no environment 'py_3'"),
    (f"{ENV}ai_service: {{services: [{{model_key: ../x, port: 1}}]}}", "4:37", "write <org>-<problem_id>-<rel_num>"),
    (f"{ENV}ai_service: {{services: [{{model_key: a-b-1, port: 0}}]}}", "4:50", "0 is not a port"),
    (
        f"{ENV}ai_service:\n  services:\n  - {{model_key: a-b-1, port: 4100}}\n  - {{model_key: a-b-2, port: 4100}}",
        "7:30",
        "port 4100 is taken by ai_service.services[0]",
    ),
    ("repos: {checkouts: [{dest: /x, url: /y, version: 'a..b'}]}", "1:50", "write a branch, tag or commit"),
    ("repos: {checkouts: [{dest: /x, url: /y, version: '--upload-pack=x'}]}", "1:50", "write a branch, tag or commit"),
    ("base: {packages: git}", "1:18", "expected a list, found text"),
    ("base: [1]", "1:7", "expected a mapping, found a list"),
]


def accept(text: str) -> Profile:
    return profiles.accept(files.parse(text, HERE))


@pytest.mark.parametrize(("text", "place", "words"), REFUSED)
def test_refusal(text: str, place: str, words: str) -> None:
    with pytest.raises(AimlsetupError) as caught:
        accept(text)
    shown = str(caught.value)
    assert shown.startswith(f"error: aimlsetup.yml:{place}: "), shown
    assert words in shown
    assert "hunter2" not in shown
    assert caught.value.exit_code == 2
    assert len(shown.splitlines()) < 15


@pytest.mark.parametrize(
    "text",
    [
        "",
        "base:",
        "components: []",
        "hosts: {web: }".replace(": }", ": {}}"),
        f"{ENV}requests: {{framework: {{tensorflow: }}}}",
    ],
)
def test_little_is_enough(text: str) -> None:
    assert isinstance(accept(text), Profile)


def test_sections_stand_apart() -> None:
    profile = accept("version: 1\ncodehub: {home: /x}\nbase:\n")
    assert profile.sections == {"codehub": {"home": "/x"}}


def test_the_quickstart_wishes_what_its_application_needs() -> None:
    example = content.root() / "examples" / "quickstart"
    profile = profiles.read(example / "aimlsetup.yml")
    wished = {Requirement(line).name for line in profile.sections["python_env"]["envs"][0]["requirements"]}
    lines = (example / "app" / "requirements.txt").read_text().splitlines()
    needed = {Requirement(line).name for line in lines if line and not line.startswith("#")}
    assert wished | {"tensorflow-cpu", "redis"} == needed, "redis is for a queue, which this profile has none of"
    assert profile.requests.framework == {"tensorflow": ">=2.20"}


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abz_", max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from([*profiles.file_model().model_fields, "unknown"])


@given(st.dictionaries(keys, junk, max_size=4))
def test_whatever_a_profile_says_it_is_accepted_or_refused_with_its_place(data: dict[str, object]) -> None:
    source = files.parse(files.dump(data), HERE)
    refused = refusal(source)
    if refused:
        assert refused.exit_code == 2
        line, column = refused.message.split(":")[1:3]
        assert 1 <= int(line) <= len(source.lines)
        assert int(column) >= 1


def refusal(source: files.YamlFile) -> AimlsetupError | None:
    try:
        profiles.accept(source)
    except AimlsetupError as error:
        return error
    return None
