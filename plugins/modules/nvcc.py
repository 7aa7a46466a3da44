#!/usr/bin/python
"""Ansible module: whether CUDA toolkits compile a program that runs. Leaves nothing behind."""

DOCUMENTATION = r"""
---
module: nvcc
short_description: Check that CUDA toolkits compile a program that runs
description:
  - Each toolkit's compiler is to name the toolkit's release, and to compile a small program, which is then run. It asks
    for GPUs and computes on each.
  - On a host with an NVIDIA GPU on its bus nothing but a right result from every GPU that the program is given is
    success. On one without, the answer that there is no device is what is expected.
  - A toolkit of which no package has a compiler is reported and passed over.
options:
  toolkits:
    description: Directories of toolkits, by release. An empty one means the distribution's own toolkit in F(/usr).
    type: dict
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Verify | Compile and run
  codehub.aimlsetup.nvcc:
    toolkits: {"12.4": /usr/local/cuda-12.4}
"""

RETURN = r"""
checked:
  description: What was shown of each toolkit, in words.
  type: dict
  returned: always
  sample: {"12.4": "nvcc 12.4.131 compiles; the program says: no device (100 no CUDA-capable device is detected)"}
"""

import os
import shutil
import subprocess
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.codehub.aimlsetup.plugins.module_utils import facts, nvidia, state

COMPILE_LIMIT, RUN_LIMIT = 180, 60  # seconds
LAST_LINES = 6
PROGRAM = r"""
#include <cstdio>
__global__ void answer(int *out) { *out = 42; }
int main() {
    int count = 0;
    cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver || (error == cudaSuccess && !count)) {
        printf("none %d %s\n", (int)error, cudaGetErrorString(error));
        return 0;
    }
    for (int device = 0; error == cudaSuccess && device < count; device++) {
        int *out = 0, found = 0;
        if ((error = cudaSetDevice(device)) == cudaSuccess && (error = cudaMalloc(&out, sizeof *out)) == cudaSuccess) {
            answer<<<1, 1>>>(out);
            if ((error = cudaGetLastError()) == cudaSuccess)
                error = cudaMemcpy(&found, out, sizeof found, cudaMemcpyDeviceToHost);
            if (error == cudaSuccess && found != 42) error = cudaErrorUnknown;
        }
    }
    printf("%s %d %s\n", error == cudaSuccess ? "ran" : "failed", error == cudaSuccess ? count : (int)error,
           cudaGetErrorString(error));
    return 0;
}
"""
HINTS = {  # by CUDA's error numbers
    "35": "the driver is older than this toolkit needs, or not installed: apply nvidia_driver",
    "100": "the driver's module is not loaded, or not for this GPU: `aimlsetup doctor` says which",
    "209": "the toolkit generates no code for this GPU: lock again with a newer toolkit",
    "222": "the driver is older than the toolkit's code: apply nvidia_driver",
    "802": "the GPUs' fabric is not up: look at nvidia-fabricmanager (`journalctl -u nvidia-fabricmanager`)",
    "803": "the loaded module is not of the driver that is installed: reboot",
    "804": "compatibility libraries (cuda-compat) are used with a GPU that they are not for: remove them",
}


class Failed(Exception):
    """What a toolkit can't do, and what to do about it."""


def judge(said, gpus):
    """What a program's answer means, in words. `gpus` is how many are on the bus. Raises Failed.

    How many answer is not compared with that: of a GPU that is cut into instances a program sees one.
    """
    kind, number, words = (said.strip().split(" ", 2) + ["", "", ""])[:3]
    if kind == "ran" and number.isdigit():
        return "the program ran on %s GPU%s" % (number, "" if number == "1" else "s")
    if kind == "none" and not gpus:
        return "the program says: no device (%s %s)" % (number, words)
    hint = HINTS.get(number, "`aimlsetup doctor` looks at the driver")
    if kind in ("none", "failed"):
        raise Failed("the program fails with CUDA's error %s: %s\nhint: %s" % (number, words, hint))
    raise Failed("the program says nothing that can be understood: %r" % said[:200])


def execute(argv, limit, doing):
    """Standard output of a command. Raises Failed with its last words."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        raise Failed("%s took more than %d s" % (doing, limit))
    except PermissionError:
        raise Failed("%s may not run\nhint: is %s mounted noexec? Set TMPDIR" % (doing, os.path.dirname(argv[0])))
    except OSError as error:
        raise Failed("%s can't be started: %s" % (doing, error))
    if done.returncode:
        words = (done.stdout + done.stderr).decode("utf-8", "replace").strip().splitlines()[-LAST_LINES:]
        raise Failed("%s ended with %d\n%s" % (doing, done.returncode, "\n".join("  " + line for line in words)))
    return done.stdout.decode("utf-8", "replace")


def compiled_and_run(compiler, directory):
    """What the program says that this compiler made in `directory`."""
    source, program = os.path.join(directory, "answer.cu"), os.path.join(directory, "answer")
    with open(source, "w") as handle:
        handle.write(PROGRAM)
    # With the shared runtime, so that the loader has to find it.
    execute([compiler, "--cudart", "shared", "-o", program, source], COMPILE_LIMIT, "compiling with %s" % compiler)
    return execute([program], RUN_LIMIT, "the compiled program")


def check(version, path, gpus, scratch):
    """What was shown of one toolkit, in words. Raises Failed."""
    compiler = os.path.join(path or "/usr", "bin", "nvcc")
    if not os.path.exists(compiler):
        if state.run(["dpkg-query", "-S", compiler])[0]:
            return "it has no compiler"
        raise Failed("%s is gone\nhint: `apt-get install --reinstall` its package" % compiler)
    found = nvidia.parse_nvcc(execute([compiler, "--version"], RUN_LIMIT, compiler))
    release = found["release"] if found else "nothing"
    if not (version + ".").startswith(release + "."):
        raise Failed("%s is of release %s, expected %s" % (compiler, release, version))
    directory = tempfile.mkdtemp(prefix="aimlsetup-nvcc-", dir=scratch)
    try:
        said = compiled_and_run(compiler, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return "nvcc %s compiles; %s" % (found["version"], judge(said, gpus))


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec={"toolkits": {"type": "dict", "required": True}}, supports_check_mode=True)
    gpus = len([found for found in facts.gpus() if found["id"].startswith("10de:")])
    checked = {}
    for version, path in module.params["toolkits"].items():
        try:
            checked[version] = check(version, path, gpus, module.tmpdir)
        except Failed as failed:  # noqa: PERF203 - it ends the loop
            module.fail_json(msg="CUDA %s: %s" % (version, failed), checked=checked)
    module.exit_json(changed=False, checked=checked)


if __name__ == "__main__":
    main()
