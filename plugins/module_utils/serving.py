"""What a list of services comes to: processes, one for each replica, and what each is told of its GPU and memory.

Pure; the role's filters and the planner load this very file. Standard library only, Python 3.6 syntax.
"""

import re

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
NO_GPU = "-1"  # what CUDA takes for none at all


def size(text):
    """Bytes of a size as systemd writes it (`4G`); None for one that is no number of bytes (`50%`, `infinity`)."""
    found = re.match(r"([0-9]+)([KMGT]?)\Z", str(text or ""))
    return int(found.group(1)) * UNITS.get(found.group(2), 1) if found else None


def replicas(service):
    """How many processes serve it: as many as it says, else one on each of its GPUs, and one without any."""
    return service.get("replicas") or max(1, len(service.get("gpus") or []))


def instance(model_key, number):
    """Name of a replica, counted from 1; the first has the model's own."""
    return model_key if number == 1 else "%s.%d" % (model_key, number)


def instances(services):
    """Every replica of every service, as the service with `instance`, `number` (from 1), its own `port` and `gpu`.

    Ports follow the service's, GPUs are taken in turn. `gpu` is None where nothing is said of any, and `NO_GPU` where
    it is to have none; one of a service with a queue is for its model server.
    """
    found = []
    for service in services:
        for number in range(1, replicas(service) + 1):
            gpus = service.get("gpus")
            gpu = None if gpus is None else str(gpus[(number - 1) % len(gpus)]) if gpus else NO_GPU
            own = {"instance": instance(service["model_key"], number), "number": number, "gpu": gpu}
            found.append(dict(service, port=(service.get("port") or 0) + number - 1, **own))
    return found


def framework_variables(replica, model_server=False):
    """Environment variables that bound a replica to its GPU and to its share of that one's memory.

    TensorFlow takes memory as it needs it instead of all at once; JAX takes the given fraction at most. TensorFlow and
    PyTorch have no variable for a bound: the application reads AI_GPU_MEMORY_MB (MiB) or AI_GPU_MEMORY_FRACTION
    (0 to 1) and sets it before it loads a model.
    """
    gpu = NO_GPU if replica["queue"] and not model_server and replica["gpu"] is not None else replica["gpu"]
    if gpu is None:
        return {}
    found = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": gpu}
    if gpu == NO_GPU:
        return found
    found["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    bound = size(replica.get("gpu_memory"))
    if bound:
        found["AI_GPU_MEMORY_MB"] = str(bound // replica["workers"] // UNITS["M"])
    if replica.get("gpu_fraction"):
        share = "%.4f" % (replica["gpu_fraction"] / replica["workers"])
        found.update(AI_GPU_MEMORY_FRACTION=share, XLA_PYTHON_CLIENT_MEM_FRACTION=share)
    return found
