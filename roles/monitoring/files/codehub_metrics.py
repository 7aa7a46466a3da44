"""Writes what Prometheus' node exporter does not know: GPUs, services of codehub, and requests from access logs.

The output is a file for its textfile collector, replaced at once. Requests are counted on in a state file, which also
says how far each log was read, so that neither a restart nor the rotation of a log loses or repeats any. Run by
codehub-metrics.timer; standard library only, Python 3.6.
"""

import argparse
import csv
import glob
import json
import os
import re
import shutil
import subprocess
import sys

MODEL = re.compile(r"[A-Za-z0-9]\w{0,62}-[A-Za-z0-9]\w{0,62}-[0-9]{1,9}", re.ASCII)
UNITS = "codehub-*.service"
PASSED_OVER = re.compile(r"^codehub-metrics\.service$|-trial\.service$")
UNIT_PROPERTIES = ("Id", "LoadState", "ActiveState", "NRestarts", "MemoryCurrent", "ControlGroup")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
MODELS_AT_MOST = 200  # a client can ask for any name; what is beyond is counted as "other"
CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")
PATIENCE = 20  # seconds that nvidia-smi or systemctl may take
MIB = 1024 * 1024

# nvidia-smi's field: (metric, what its unit is multiplied by, help)
GPU = (
    ("utilization.gpu", "codehub_gpu_utilization_ratio", 0.01, "Share of time in which a kernel ran."),
    ("memory.used", "codehub_gpu_memory_used_bytes", MIB, "Memory in use."),
    ("memory.total", "codehub_gpu_memory_size_bytes", MIB, "Memory there is."),
    ("temperature.gpu", "codehub_gpu_temperature_celsius", 1, "Temperature of the core."),
    ("power.draw", "codehub_gpu_power_watts", 1, "Power drawn."),
)


class Page:
    """Metrics in Prometheus' text format."""

    def __init__(self):
        self.lines = []
        self._known = set()

    def add(self, name, kind, words, value, labels=None, suffix=""):
        """One sample; the head of its metric comes before the first."""
        labels = labels or {}
        if name not in self._known:
            self._known.add(name)
            self.lines += ["# HELP %s %s" % (name, words), "# TYPE %s %s" % (name, kind)]
        text = ",".join('%s="%s"' % (key, escaped(labels[key])) for key in sorted(labels))
        self.lines.append("%s%s%s %s" % (name, suffix, "{%s}" % text if text else "", number(value)))

    def text(self):
        """The whole."""
        return "\n".join(self.lines) + "\n"


def escaped(value):
    """A label's value."""
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def number(value):
    """A sample's value."""
    return "%d" % value if float(value).is_integer() else repr(round(float(value), 6))


def run(argv):
    """Output of a command; None where it can't be run, fails or takes too long."""
    try:
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=PATIENCE,
            env=dict(os.environ, LC_ALL="C"), check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def gpus(page):
    """Every GPU, by index and uuid. A field that a GPU does not have is left out."""
    if not shutil.which("nvidia-smi"):
        return
    fields = ["index", "uuid", "name"] + [field for field, _metric, _unit, _help in GPU]
    output = run(["nvidia-smi", "--query-gpu=" + ",".join(fields), "--format=csv,noheader,nounits"])
    page.add("codehub_gpu_query_success", "gauge", "Whether nvidia-smi answered.", output is not None)
    rows = [row for row in csv.reader((output or "").splitlines(), skipinitialspace=True) if len(row) == len(fields)]
    found = [dict(zip(fields, row)) for row in rows]
    for gpu in found:
        labels = {"gpu": gpu["index"], "uuid": gpu["uuid"], "name": gpu["name"]}
        page.add("codehub_gpu_info", "gauge", "GPUs that the driver has.", 1, labels)
    for field, metric, unit, words in GPU:
        for gpu in found:
            if re.match(r"[0-9.]+\Z", gpu[field]):
                page.add(metric, "gauge", words, float(gpu[field]) * unit, {"gpu": gpu["index"], "uuid": gpu["uuid"]})


def services(page):
    """Every unit of codehub: whether it is up, how often it was restarted, and what memory its processes have."""
    listed = run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager", "--type=service", UNITS])
    names = [line.split()[0] for line in (listed or "").splitlines() if line.strip()]
    wanted = sorted(name for name in names if not PASSED_OVER.search(name))
    if not wanted:
        return
    shown = run(["systemctl", "show", "-p", ",".join(UNIT_PROPERTIES), "--"] + wanted) or ""
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in shown.split("\n\n")]
    found = [(labels_of(block["Id"]), block) for block in blocks if block.get("LoadState") == "loaded"]
    for labels, block in found:
        up = block.get("ActiveState") == "active"
        page.add("codehub_service_up", "gauge", "Whether the unit is active.", up, labels)
    for labels, block in found:
        words = "How often systemd has restarted it by itself."
        page.add("codehub_service_restarts_total", "counter", words, int(block.get("NRestarts") or 0), labels)
    for labels, block in found:
        words = "Memory of its processes, what they share divided among them (PSS)."
        page.add("codehub_service_memory_bytes", "gauge", words, memory(block.get("ControlGroup")), labels)
    for labels, block in found:
        if block.get("MemoryCurrent", "").isdigit() and int(block["MemoryCurrent"]) < 1 << 63:
            words = "Memory that is charged to its control group, caches included."
            amount = int(block["MemoryCurrent"])
            page.add("codehub_service_cgroup_memory_bytes", "gauge", words, amount, labels)


def labels_of(unit):
    """The unit, and the model that it serves; that is empty for other services."""
    name = re.sub(r"\\x([0-9a-f]{2})", lambda code: chr(int(code.group(1), 16)), unit)
    serves = re.match(r"codehub-(?:ai|model)[-@](%s)" % MODEL.pattern, name, re.ASCII)
    return {"unit": unit, "model": serves.group(1) if serves else ""}


def memory(group):
    """Bytes of all processes in a control group, those of its children too."""
    pids = set()
    for root in CGROUPS if group else ():
        for directory, _names, files in os.walk(root + group):
            if "cgroup.procs" in files:
                with open(os.path.join(directory, "cgroup.procs")) as handle:
                    pids.update(handle.read().split())
    return sum(proportional(pid) for pid in pids)


def proportional(pid):
    """PSS of a process in bytes, 0 for one that has just ended."""
    try:
        with open("/proc/%s/smaps_rollup" % pid) as handle:
            found = re.search(r"^Pss:\s+(\d+) kB", handle.read(), re.MULTILINE)
    except OSError:
        return 0
    return int(found.group(1)) * 1024 if found else 0


def load(path):
    """The state, empty where there is none that can be used."""
    try:
        with open(path) as handle:
            state = json.load(handle)
        return {"logs": dict(state["logs"]), "models": dict(state["models"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"logs": {}, "models": {}}


def follow(path, place):
    """(lines that were added since `place`, place now). A place is {"inode", "offset"} or None."""
    lines = []
    try:
        inode = os.stat(path).st_ino
    except OSError:
        return lines, place  # between two names of a rotation, or not there yet
    if place and place["inode"] != inode:
        rotated = [name for name in glob.glob(glob.escape(path) + "?*") if same_file(name, place["inode"])]
        if rotated:
            lines += read(rotated[0], place["offset"])[0]
        place = None
    offset = place["offset"] if place else 0
    if os.path.getsize(path) < offset:  # emptied in place
        offset = 0
    added, offset = read(path, offset)
    return lines + added, {"inode": inode, "offset": offset}


def same_file(path, inode):
    """Whether a name is of this inode."""
    try:
        return os.stat(path).st_ino == inode
    except OSError:
        return False


def read(path, offset):
    """(whole lines from an offset on, where they end). A line that is still being written is left for the next time."""
    with open(path, "rb") as handle:
        handle.seek(offset)
        content = handle.read()
    whole = content[: content.rfind(b"\n") + 1]
    return whole.splitlines(), offset + len(whole)


def count(models, line):
    """Count one line of an access log in; one that is none is passed over."""
    try:
        entry = json.loads(line.decode("utf-8", "replace"))
        status, seconds = int(entry["status"]), duration(entry.get("request_time"))
        model = str(entry.get("model") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    known = model in models or len(models) < MODELS_AT_MOST
    if not (MODEL.fullmatch(model) and known):
        model = "other"
    own = models.setdefault(model, {"codes": {}, "buckets": [0] * len(BUCKETS), "count": 0, "sum": 0.0})
    code = "%dxx" % (status // 100) if 100 <= status < 600 else "other"
    own["codes"][code] = own["codes"].get(code, 0) + 1
    own["count"] += 1
    own["sum"] = round(own["sum"] + seconds, 6)
    own["buckets"] = [had + (seconds <= bound) for had, bound in zip(own["buckets"], BUCKETS)]


def duration(value):
    """Seconds as a log has them; 0 for what is no number, which one sum would never get rid of."""
    try:
        seconds = float(value)
    except (ValueError, TypeError):
        return 0.0
    return seconds if 0 <= seconds < 1e9 else 0.0


def usage(page, logs, state):
    """Requests by model: how many of each class of status, and how long they took."""
    for path in logs:
        lines, place = follow(path, state["logs"].get(path))
        for line in lines:
            count(state["models"], line)
        if place:
            state["logs"][path] = place
    models = sorted(state["models"].items())
    for model, own in models:
        for code, value in sorted(own["codes"].items()):
            words = "Requests that were answered, by class of their status."
            page.add("codehub_api_requests_total", "counter", words, value, {"model": model, "code": code})
    name, words = "codehub_api_request_duration_seconds", "How long requests took."
    for model, own in models:
        for bound, value in zip(BUCKETS, own["buckets"]):
            page.add(name, "histogram", words, value, {"model": model, "le": "%g" % bound}, "_bucket")
        page.add(name, "histogram", words, own["count"], {"model": model, "le": "+Inf"}, "_bucket")
        page.add(name, "histogram", words, own["sum"], {"model": model}, "_sum")
        page.add(name, "histogram", words, own["count"], {"model": model}, "_count")


def replace(path, text, mode):
    """Write a file beside and rename it."""
    temporary = path + ".new"
    with open(temporary, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    os.chmod(temporary, mode)
    os.rename(temporary, path)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--access-log", action="append", default=[])
    options = parser.parse_args()
    page, state = Page(), load(options.state)
    gpus(page)
    services(page)
    usage(page, options.access_log, state)
    # In this order: a run that ends in between counts on from the state, and writes the same metrics again.
    replace(options.state, json.dumps(state), 0o600)
    replace(options.output, page.text(), 0o644)


if __name__ == "__main__":
    sys.exit(main())
