"""Times kernels over the protocol: kernel.py NAME... Wall milliseconds, best of several, and CPU seconds of the kernel."""

import os
import statistics
import sys
import tempfile
import time
from queue import Empty

from jupyter_client.manager import KernelManager

RUNS = 3
PYTHON = {
    "declare": "def f{i}(x):\n    return {{'a': x, 'b': [{i}]}}\nv{i} = f{i}(1)",
    "stdout": "print('x' * 99 + '\\n', end='', sep='') or [print('x' * 99) for _ in range(9999)] and None",
    "import": "import numpy",
}
TYPESCRIPT = {
    "declare": "function f{i}(x: number) {{ return {{ a: x, b: [{i}] }} }}\nconst v{i} = f{i}(1);",
    "stdout": "for (let i = 0; i < 10000; i++) console.log('x'.repeat(99));",
    "import": "import * as speakerscope from 'speakerscope'; Object.keys(speakerscope).length",
}
# The toolkit as a cell imports it where there is no kernel of ours: by its path.
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def cpu_and_memory(pid):
    """CPU seconds and resident megabytes of a process and its children."""
    ticks, kilobytes = 0, 0
    pids = [pid]
    for at in pids:
        try:
            with open(f"/proc/{at}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
            with open(f"/proc/{at}/statm") as f:
                kilobytes += int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
            for task in os.listdir(f"/proc/{at}/task"):
                with open(f"/proc/{at}/task/{task}/children") as f:
                    pids += [int(p) for p in f.read().split()]
        except FileNotFoundError:
            pass  # ended meanwhile
    return ticks / os.sysconf("SC_CLK_TCK"), kilobytes / 1024


def run(client, code, timeout=120):
    began = time.perf_counter()
    message = client.execute(code)
    seconds = size = 0
    while True:
        m = client.get_iopub_msg(timeout=timeout)
        if m["parent_header"].get("msg_id") != message:
            continue
        if m["msg_type"] == "stream":
            size += len(m["content"]["text"])
        if m["msg_type"] == "status" and m["content"]["execution_state"] == "idle":
            break
    while True:
        reply = client.get_shell_msg(timeout=timeout)
        if reply["parent_header"].get("msg_id") == message:
            break
    seconds = time.perf_counter() - began
    if reply["content"]["status"] != "ok":
        raise RuntimeError(reply["content"].get("evalue") or reply["content"]["status"])
    return seconds * 1000, size


def measure(name):
    code = PYTHON if name == "python3" else TYPESCRIPT
    found = {}
    began = time.perf_counter()
    manager = KernelManager(kernel_name=name)
    # An empty folder, but one in which every kernel finds the package.
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "node_modules"))
        os.symlink(ROOT, os.path.join(folder, "node_modules", "speakerscope"))
        os.symlink(os.path.join(ROOT, "node_modules", "@types"), os.path.join(folder, "node_modules", "@types"))
        manager.start_kernel(cwd=folder)
        pid = manager.provisioner.process.pid
        client = manager.client()
        try:
            client.start_channels()
            client.wait_for_ready(timeout=60)
            found["start"] = (time.perf_counter() - began) * 1000
            found["first 1+1"] = run(client, "1+1")[0]
            found["start + first 1+1"] = found["start"] + found["first 1+1"]
            found["CPU until then (s)"] = cpu_and_memory(pid)[0]
            later = [run(client, "1+1")[0] for _ in range(25)]
            found["later 1+1"] = statistics.median(later[5:])
            for i in range(110):
                took = run(client, code["declare"].format(i=i))[0]
                if 8 <= i < 13:
                    found.setdefault("at 10", []).append(took)
                if 98 <= i < 108:
                    found.setdefault("at 100", []).append(took)
            for key in ("at 10", "at 100"):
                found[f"declaring cell {key}"] = statistics.median(found.pop(key))
            found["1+1 after 100"] = statistics.median(run(client, "1+1")[0] for _ in range(10))
            try:
                took, size = run(client, code["stdout"], timeout=15)
            except Empty:  # so many messages that the last ones were dropped
                took, size = 0, 0
            found["1 MB of stdout"] = took if size >= 1_000_000 else float("nan")
            try:
                found["import"] = run(client, code["import"])[0]
            except RuntimeError as error:
                print(f"{name}: import: {error}"[:160], file=sys.stderr)
            found["CPU in all (s)"], found["memory (MB)"] = cpu_and_memory(pid)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    return found


results = {}
for name in sys.argv[1:]:
    try:
        runs = [measure(name) for _ in range(RUNS)]
    except Exception as error:  # one kernel that does not start must not hide the others
        print(f"{name}: left out: {error!r}"[:200], file=sys.stderr)
        continue
    keys = list(dict.fromkeys(key for one in runs for key in one))
    results[name] = {key: min(one.get(key, float("nan")) for one in runs) for key in keys}

print("nan: it cannot, or lost output")
print(f"milliseconds unless said, best of {RUNS}; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
print(f"{'':28}" + "".join(f"{name:>16}" for name in results))
for key in next(iter(results.values()), {}):
    print(f"{key:28}" + "".join(f"{row.get(key, float('nan')):16.1f}" for row in results.values()))
