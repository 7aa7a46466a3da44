"""Which of NVIDIA's libraries the loader would find, and what frameworks in a Python environment were built for.

Nothing is imported or executed but ldconfig: a broken environment is the ordinary case here. Standard library only,
Python 3.6 syntax.
"""

import glob
import os
import re

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import gpu, state
except ImportError:  # doctor run as a plain script
    import gpu
    import state

NAME = re.compile(r"^lib(?:cud|cublas|cufft|curand|cusolver|cusparse|cupti|nv|nccl)\w*\.so\.[\d.]+\Z")
CACHED = re.compile(r"^\s+(\S+) \([^)]*\) => (\S+)$", re.MULTILINE)
WHEELS = ("nvidia/*/lib", "tensorrt_libs", "tensorrt")  # below site-packages
DISTRIBUTION = re.compile(
    r"(tensorflow(?:[_-](?:gpu|cpu|intel|rocm))?|torch)-([^-]+)\.(?:dist|egg)-info\Z", re.IGNORECASE
)
# A generated file; how it is written has changed twice: assignments, a dictionary, an OrderedDict of pairs.
BUILD_FILES = ("tensorflow/python/platform/build_info.py", "tensorflow_core/python/platform/build_info.py")
IS_CUDA = re.compile(r"is_cuda_build'?\s*[=:,]\s*(True|False)")
VERSION = r"'%s'\s*[:,]\s*'([\d.]+)'"
TORCH_CUDA = re.compile(r"^cuda(?::[^=]*)? = (?:'([\d.]+)'|None)", re.MULTILINE)


def in_directories(directories):
    """({soname: path}, {soname: path of a link that leads nowhere}) of NVIDIA's libraries in these directories."""
    found, dangling = {}, {}
    for directory in directories:
        for path in sorted(glob.glob(os.path.join(directory, "lib*.so.*"))):
            name = os.path.basename(path)
            if NAME.match(name):
                (found if os.path.exists(path) else dangling).setdefault(name, path)
    return found, dangling


def on_host(search=None):
    """The same of the loader's cache and of the directories in `search` (LD_LIBRARY_PATH), which come first."""
    found, dangling = in_directories((search or "").split(os.pathsep) if search else [])
    _status, output = state.run(["/sbin/ldconfig", "-p"])
    for name, path in CACHED.findall(output):
        if NAME.match(name):
            (found if os.path.exists(path) else dangling).setdefault(name, path)
    more, broken = in_directories([pattern for pattern in gpu.LIBRARY_DIRECTORIES if "*" not in pattern])
    return dict(more, **found), dict(broken, **dangling)


def environment(path):
    """{"path", "frameworks", "wheels", "libraries"} of a virtualenv or conda environment, or None: there is none.

    frameworks: [{"name", "distribution", "version", "cuda", "cudnn", "gpu"}]; gpu is whether it was built for one
    (None: the build does not say), cuda and cudnn the versions as it names them. wheels: {soname: path} of NVIDIA's
    wheels; libraries: those in the environment's own lib.
    """
    sites = sorted(glob.glob(os.path.join(glob.escape(path), "lib", "python3*", "site-packages")))
    if not sites:
        return None
    frameworks = []
    for site in sites:
        for entry in sorted(os.listdir(site)):
            match = DISTRIBUTION.match(entry)
            if match:
                name = match.group(1).lower().replace("_", "-")
                built = _torch(site, match.group(2)) if name == "torch" else _tensorflow(site, name)
                common = {"name": name.partition("-")[0], "distribution": name, "version": match.group(2)}
                frameworks.append(dict(built, **common))
    folders = [folder for site in sites for pattern in WHEELS for folder in glob.glob(os.path.join(site, pattern))]
    return {
        "path": path,
        "frameworks": frameworks,
        "wheels": in_directories(folders)[0],
        "libraries": in_directories([os.path.join(path, "lib")])[0],
    }


def _tensorflow(site, distribution):
    text = "".join(gpu.read(os.path.join(site, name)) for name in BUILD_FILES)
    built = IS_CUDA.search(text)
    versions = {name: re.search(VERSION % (name + "_version"), text) for name in ("cuda", "cudnn")}
    found = {name: match.group(1) if match else None for name, match in versions.items()}
    return dict(found, gpu=False if distribution == "tensorflow-cpu" else built and built.group(1) == "True")


def _torch(site, version):
    match = TORCH_CUDA.search(gpu.read(os.path.join(site, "torch", "version.py")))
    known = bool(match) or "+cpu" in version
    cuda = match.group(1) if match else None
    return {"cuda": cuda, "cudnn": None, "gpu": bool(cuda) if known else None}
