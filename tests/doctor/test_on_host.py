"""What people suffer, arranged on a booted host: the doctor names it, and its next command cures what it can."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from aimlsetup.catalog.sources import Key
from tests.cli.conftest import Cli
from tests.doctor.conftest import KERNEL, MACHINE, Patient, gpu, loaded

pytestmark = [pytest.mark.host]

CUDA_REPOSITORY = "https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64"
SITE = "/srv/venv/lib/python3.11/site-packages"


def test_a_healthy_host_without_a_gpu(patient: Patient) -> None:
    found = patient.found()
    assert list(found) == ["gpu-none"]
    assert found["gpu-none"].severity == "note"


@pytest.mark.parametrize(
    ("device", "version", "flavour", "ref", "said"),
    [
        ("2b85", "580.95.05", "proprietary", "driver-flavour", "10de:2b85 (GB202, Blackwell) can't work"),
        ("1b06", "580.95.05", "open", "driver-flavour", "10de:1b06 (GP102, Pascal) can't work"),
        ("1b06", "590.48.01", "proprietary", "driver-branch", "driver 590.48.01 does not drive 10de:1b06"),
    ],
)
def test_a_driver_that_is_not_for_the_gpu(
    patient: Patient, device: str, version: str, flavour: str, ref: str, said: str
) -> None:
    patient.machine(gpu(device) | loaded(version, flavour))
    assert said in patient.on_machine()[ref].title


def test_nothing_is_said_of_a_driver_that_is(patient: Patient) -> None:
    patient.machine(gpu("2684") | loaded("580.95.05", "open"))
    assert not {"driver-flavour", "driver-branch", "driver-missing", "driver-not-loaded"} & set(patient.on_machine())


def test_libraries_upgraded_behind_the_module(patient: Patient) -> None:
    patient.machine(gpu("2684") | loaded("535.247.01"))
    libraries = "/usr/lib/x86_64-linux-gnu"
    patient.run(f"cd {libraries}; touch libnvidia-ml.so.535.261.03; ln -s libnvidia-ml.so.535.261.03 libnvidia-ml.so.1")
    try:
        finding = patient.on_machine()["nvml-mismatch"]
    finally:
        patient.run(f"rm {libraries}/libnvidia-ml.so.*")
    assert finding.title == "the loaded module is 535.247.01, its libraries are 535.261.03"
    assert finding.next == "sudo reboot"
    assert "nvml-mismatch" not in patient.on_machine()


def test_nouveau_has_the_gpu(patient: Patient) -> None:
    device = "sys/bus/pci/devices/0000:01:00.0"
    files = gpu("2684") | {"sys/bus/pci/drivers/nouveau/bind": "", "proc/modules": "nouveau 2 0 - Live 0x0\n"}
    patient.machine(files, {f"{device}/driver": "../../drivers/nouveau"})
    found = patient.on_machine()
    assert found["nouveau-loaded"].seen == ("0000:01:00.0",)
    assert "driver-missing" in found


def test_dkms_without_headers_and_a_build_that_failed(patient: Patient) -> None:
    """Dkms itself says how far it came: added without headers, then a build that its compiler refuses."""
    config = (
        'PACKAGE_NAME="nvidia"\nPACKAGE_VERSION="535.261.03"\nBUILT_MODULE_NAME[0]="nvidia"\n'
        'DEST_MODULE_LOCATION[0]="/kernel/drivers/video"\nMAKE[0]="echo \'error: this gcc is too old\'; false"\n'
        'CLEAN="true"\nAUTOINSTALL="yes"\n'
    )
    patient.machine(gpu("2684") | {f"lib/modules/{KERNEL}/kernel/x.ko": ""})
    patient.put({"/usr/src/nvidia-535.261.03/dkms.conf": config, "/usr/src/nvidia-535.261.03/nvidia.c": ""})
    patient.run("dkms add nvidia/535.261.03")
    try:
        finding = patient.on_machine()["headers-missing"]
        assert finding.next == f"sudo apt-get install linux-headers-{KERNEL}"
        assert finding.seen == ("nvidia/535.261.03: added",)

        patient.put({f"{MACHINE}/lib/modules/{KERNEL}/build/Makefile": ""})
        patient.put({f"/lib/modules/{KERNEL}/build/include/x": ""})
        patient.run(f"dkms build nvidia/535.261.03 -k {KERNEL} > /dev/null 2>&1 || true")
        finding = patient.on_machine()["dkms-not-built"]
        assert finding.next == f"sudo dkms autoinstall -k {KERNEL}"
        assert "make.log: error: this gcc is too old" in finding.seen

        patient.run("rm -r /usr/src/nvidia-535.261.03")
        found = patient.on_machine()
        assert "nvidia/535.261.03" in found["dkms-broken"].title
        assert "dkms-not-built" not in found
    finally:
        patient.run(f"rm -rf /var/lib/dkms/nvidia /usr/src/nvidia-535.261.03 /lib/modules/{KERNEL}")


def test_secure_boot_refuses_an_unsigned_module(patient: Patient) -> None:
    source = 'const char m[] __attribute__((section(".modinfo"))) = "version=535.261.03\\0license=NVIDIA";\n'
    variable = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    modules = f"lib/modules/{KERNEL}"
    patient.machine(
        gpu("2684")
        | {variable: b"\x06\0\0\0\x01", "module.c": source, f"{modules}/kernel/x": "", f"{modules}/modules.builtin": ""}
        | {f"{modules}/modules.order": ""}
    )
    patient.run(f"cd {MACHINE}; gcc -c -o {modules}/kernel/nvidia.ko module.c; depmod -b {MACHINE} {KERNEL}")
    found = patient.on_machine()
    assert "is not signed" in found["secure-boot-unsigned"].title
    assert found["driver-missing"].severity == "problem"


def test_half_configured_package(patient: Patient) -> None:
    patient.package("aimlsetup-half", "1.0", "#!/bin/sh\ntest -e /srv/repaired\n")
    try:
        finding = patient.found()["packages-unfinished"]
        assert finding.seen == ("aimlsetup-half: iF",)
        patient.run(f"touch /srv/repaired; {finding.next}")
        assert "packages-unfinished" not in patient.found()
    finally:
        patient.run("rm -f /srv/repaired; dpkg --purge --force-all aimlsetup-half")


def test_siblings_of_another_cuda(patient: Patient) -> None:
    """TensorRT 5.1.5 for CUDA 10.0, with the sibling for 10.1 that apt likes better."""
    for name, cuda in (("libnvinfer5", "10.1"), ("libnvinfer-dev", "10.0"), ("libnvparsers5", "10.0")):
        patient.package(name, f"5.1.5-1+cuda{cuda}")
    patient.run("apt-mark hold libnvinfer-dev")
    try:
        found = patient.found()
        assert found["siblings-mixed"].next == ("sudo apt-get install --allow-downgrades libnvinfer5=5.1.5-1+cuda10.0")
        assert found["packages-held"].seen == ("libnvinfer-dev 5.1.5-1+cuda10.0",)
    finally:
        patient.run("apt-mark unhold libnvinfer-dev; dpkg --purge libnvinfer5 libnvinfer-dev libnvparsers5")


def test_driver_packages_of_two_versions(patient: Patient) -> None:
    patient.package("nvidia-kernel-dkms", "535.247.01-1~deb12u1")
    patient.package("libnvidia-ml1", "535.261.03-1~deb12u1")
    patient.package("nvidia-driver", "535.261.03-1~deb12u1")
    try:
        assert patient.found()["driver-mixed"].next == "apt-cache policy nvidia-kernel-dkms"
        patient.machine({"proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2\n"})
        finding = patient.on_machine()["wsl-driver"]
        patient.run(f"{finding.next} -y")
        assert {"driver-mixed", "wsl-driver"}.isdisjoint(patient.on_machine())
    finally:
        patient.run("dpkg --purge nvidia-kernel-dkms libnvidia-ml1 nvidia-driver 2>&1")


def test_fabric_manager_of_another_version(patient: Patient) -> None:
    patient.machine(gpu("2335") | gpu("22a3", "0000:c4:00.0", "0x068000") | loaded("535.261.03", "open"))
    assert patient.on_machine()["fabric-manager"].seen == ("none is installed",)
    patient.package("nvidia-fabricmanager-535", "535.247.01-1")
    assert patient.on_machine()["fabric-manager"].seen == ("nvidia-fabricmanager-535 535.247.01-1",)
    patient.package("nvidia-fabricmanager-535", "535.261.03-1")
    assert "fabric-manager" not in patient.on_machine()
    patient.run("dpkg --purge nvidia-fabricmanager-535")


def test_repository_with_two_owners(patient: Patient) -> None:
    """Apt itself refuses to work until the next command was run."""
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    patient.put(
        {
            "/etc/apt/sources.list.d/cuda.list": f"# by hand\ndeb {CUDA_REPOSITORY}/ /\n",
            "/etc/apt/sources.list.d/cuda-debian12.sources": (
                f"Types: deb\nURIs: {CUDA_REPOSITORY}\nSuites: /\nSigned-By: {keyring}\n"
            ),
        }
    )
    try:
        assert "Conflicting values" in patient.run("apt-get -s install cron 2>&1 || true")
        finding = patient.found()["source-two-owners"]
        assert finding.seen == (
            f"/etc/apt/sources.list.d/cuda-debian12.sources:1: {keyring}",
            "/etc/apt/sources.list.d/cuda.list:2: any key in /etc/apt/trusted.gpg.d",
        )
        patient.run(finding.next)
        assert "source-two-owners" not in patient.found()
        patient.run("apt-get -s install cron")
    finally:
        patient.run("rm -f /etc/apt/sources.list.d/cuda*")


def test_retired_and_missing_keys(patient: Patient, tmp_path: Path) -> None:
    """A throw-away key stands in for NVIDIA's old one, under its name in the catalog."""
    gpg = ["gpg", "--homedir", str(tmp_path), "--batch", "-q"]
    tmp_path.chmod(0o700)
    subprocess.run(
        [*gpg, "--passphrase", "", "--quick-generate-key", "old@localhost", "rsa2048"], check=True, capture_output=True
    )
    listed = subprocess.run([*gpg, "--with-colons", "-k"], capture_output=True, text=True, check=True).stdout
    fingerprint = next(line for line in listed.splitlines() if line.startswith("fpr")).split(":")[9]
    exported = subprocess.run([*gpg, "--armor", "--export"], capture_output=True, check=True).stdout
    old = patient.catalog.keys["7fa2af80"]
    stand_in = Key.model_validate(
        {**old.model_dump(), "fingerprint": fingerprint, "long_id": fingerprint[-16:], "short_id": fingerprint[-8:]}
    )
    known = replace(patient.catalog, keys={**patient.catalog.keys, "7fa2af80": stand_in})
    patient.put(
        {
            "/usr/share/keyrings/cuda-old.asc": exported,
            "/etc/apt/sources.list.d/cuda.list": (
                f"deb [arch=amd64 signed-by=/usr/share/keyrings/cuda-old.asc] {CUDA_REPOSITORY}/ /\n"
            ),
        }
    )
    try:
        finding = patient.found(known=known)["key-retired"]
        assert finding.severity == "problem"
        assert "holds the retired key 7fa2af80" in finding.title
        assert finding.seen == (f"/etc/apt/sources.list.d/cuda.list:1: {CUDA_REPOSITORY}",)
        patient.run(finding.next)
        found = patient.found(known=known)
        assert "key-retired" not in found
        assert "/usr/share/keyrings/cuda-old.asc" in found["key-missing"].title
    finally:
        patient.run("rm -f /etc/apt/sources.list.d/cuda.list /usr/share/keyrings/cuda-old.asc")


def framework(patient: Patient, distribution: str, version: str, build: str) -> None:
    """The files of an installed TensorFlow that say what it was built for."""
    folder = distribution.replace("-", "_")
    patient.run("rm -rf /srv/venv")
    patient.put(
        {
            f"{SITE}/{folder}-{version}.dist-info/METADATA": "",
            f"{SITE}/tensorflow/python/platform/build_info.py": build,
        }
    )


def test_framework_for_the_cpu_alone(patient: Patient) -> None:
    patient.machine(gpu("2684") | loaded("580.95.05", "open"))
    framework(patient, "tensorflow-cpu", "2.17.0", "build_info = OrderedDict([('is_cuda_build', False)])\n")
    finding = patient.on_machine("--env", "/srv/venv")["framework-cpu-only"]
    assert finding.severity == "problem"
    assert finding.next.endswith("/bin/pip install --force-reinstall 'tensorflow[and-cuda]==2.17.0'")
    assert patient.found("--env", "/srv/venv")["framework-cpu-only"].severity == "note"  # there is no GPU to use


def test_every_missing_library_is_named(patient: Patient) -> None:
    """TensorFlow walks this list without saying what is missing; one library is really there, one link is broken."""
    patient.machine(gpu("1b06") | loaded("470.256.02"))
    build = "build_info = {'cuda_version': '11.2', 'cudnn_version': '8', 'is_cuda_build': True}\n"
    framework(patient, "tensorflow-gpu", "2.5.0", build)
    patient.run(
        "mkdir -p /usr/local/cuda-11.2/lib64; cd /usr/local/cuda-11.2/lib64; echo | gcc -shared -xc - "
        "-Wl,-soname,libcudart.so.11.0 -o libcudart.so.11.0; cp libcudart.so.11.0 libcudnn.so.8.1.1; "
        "echo /usr/local/cuda-11.2/lib64 > /etc/ld.so.conf.d/cuda.conf; "
        "echo | gcc -shared -xc - -Wl,-soname,libcudnn.so.8 -o libcudnn.so.8.1.1; ldconfig; rm libcudnn.so.8.1.1"
    )
    try:
        found = patient.on_machine("--env", "/srv/venv")
    finally:
        patient.run("rm -r /usr/local/cuda-11.2 /etc/ld.so.conf.d/cuda.conf; ldconfig")
    missing = found["library-missing"]
    for name in ("libcuda.so.1", "libcublas.so.11", "libcufft.so.10", "libcusolver.so.11", "libcudnn.so.8"):
        assert name in missing.title
    assert "libcudart" not in missing.title
    assert "libcudart.so.11.0: /usr/local/cuda-11.2/lib64/libcudart.so.11.0" in missing.seen
    assert missing.next == "sudo apt-get install cuda-toolkit-11-2"
    assert "libcudnn.so.8: /usr/local/cuda-11.2/lib64/libcudnn.so.8" in found["library-dangling"].seen
    assert "libnvinfer.so.7" in found["tensorrt-missing"].title


def test_by_the_command_line_over_ssh(patient: Patient, tmp_path: Path) -> None:
    """A host of a profile, without a lock or a receipt; what is wrong with its environment's name is told too."""
    patient.machine(gpu("1b06") | loaded("590.48.01"))
    cli = Cli(tmp_path)
    cli.profile({patient.host.name: {"connection": "sandbox"}})
    document = json.loads(cli.done("doctor", "--host", patient.host.name, "--root", MACHINE, "--json", code=3))
    assert document["host"] == patient.host.name
    assert "driver-branch" in [finding["ref"] for finding in document["findings"]]
    status, _output, said = cli("doctor", "--host", patient.host.name, "--env", "/srv/{{ 1 + 1 }} x")
    assert (status, "/srv/{{ 1 + 1 }} x is no Python environment" in said) == (2, True), said
    assert cli("doctor", "--host", patient.host.name)[0] == 0


def test_who_holds_the_gpu(patient: Patient) -> None:
    patient.machine(gpu("2684") | loaded("580.95.05", "open") | {"dev/nvidia0": ""})
    pid = patient.run(f"setsid tail -f {MACHINE}/dev/nvidia0 > /dev/null 2>&1 & echo $!").strip()
    try:
        finding = patient.on_machine(user="root")["gpu-held"]
        assert finding.seen == (f"pid {pid}, root: tail -f",)
        assert finding.next == f"ps -fp {pid}"
        assert "gpu-held" not in patient.on_machine()  # nobody may not see what root has open
    finally:
        patient.run(f"kill {pid}")
