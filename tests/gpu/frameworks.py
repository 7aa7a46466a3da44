"""Stand-ins for frameworks and NVIDIA's wheels: the files of real ones that a look at them reads, and no computing.

A framework sees the GPUs that the environment variable `STAND_IN_GPUS` names, separated by commas.
"""

from tests.gpu.elf import shared_object

SEES = "import os\nNAMES = [name for name in os.environ.get('STAND_IN_GPUS', '').split(',') if name]\n"


def torch(version: str, cuda: str | None) -> dict[str, bytes]:
    """PyTorch, built for a CUDA or for the CPU alone."""
    return _encoded(
        {
            "torch/__init__.py": "from torch import cuda, version\n__version__ = version.__version__\n",
            "torch/version.py": f"__version__ = {version!r}\ncuda: str = {cuda!r}\n",
            "torch/cuda.py": SEES + "device_count = lambda: len(NAMES)\nget_device_name = NAMES.__getitem__\n",
        }
    )


def tensorflow(version: str, cuda: str | None, cudnn: str = "9") -> dict[str, bytes]:
    """TensorFlow 2.1 and later, built for a CUDA or for the CPU alone."""
    build = {"cuda_version": cuda, "cudnn_version": cudnn, "is_cuda_build": True} if cuda else {"is_cuda_build": False}
    return _encoded(
        {
            "tensorflow/__init__.py": f"from tensorflow import config\n__version__ = {version!r}\n",
            "tensorflow/config.py": SEES
            + "class Device:\n    def __init__(self, name):\n        self.name = name\n"
            + "def list_physical_devices(kind):\n    return [Device(name) for name in NAMES if kind == 'GPU']\n",
            "tensorflow/python/platform/build_info.py": "import collections\n"
            f"build_info = collections.OrderedDict({list(build.items())!r})\n",
        }
    )


def library(folder: str, soname: str) -> dict[str, bytes]:
    """One of NVIDIA's libraries where its wheel has it (`nvidia/cudnn/lib`)."""
    return {f"nvidia/{folder}/lib/{soname}": shared_object(soname)}


def _encoded(files: dict[str, str]) -> dict[str, bytes]:
    return {path: text.encode() for path, text in files.items()}
