"""The machine under the bench: its arithmetic, its disk, its packages."""
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

CORES = os.cpu_count()


def stop(words):
    print(f"tests/bench/run: {words}", file=sys.stderr)
    sys.exit(1)


def floor(seconds=2):
    """
    The arithmetic that no server can leave out: for each certificate one ECDSA verification and one signature, on all
    cores, with nothing else. Rates over all cores; pair_cpu_us is the CPU time of one such pair.
    """
    text = subprocess.run(["openssl", "speed", "-seconds", str(seconds), "-multi", str(CORES), "ecdsap256"],
                          capture_output=True, text=True, check=True).stdout
    match = re.search(r"nistp256\)\s+\S+\s+\S+\s+([\d.]+)\s+([\d.]+)", text)
    if not match:
        stop("openssl speed says something that is not understood:\n" + text)
    sign, verify = float(match.group(1)), float(match.group(2))
    pair = 1 / sign + 1 / verify
    return {"sign_per_s": sign, "verify_per_s": verify, "floor_per_s": 1 / pair, "pair_cpu_us": CORES * pair * 1e6}


def sync_us(folder, count=200):
    """Median time of an fdatasync after appending one page."""
    path = os.path.join(folder, "sync-test")
    times = []
    with open(path, "wb", buffering=0) as file:
        for _ in range(count):
            file.write(b"\1" * 4096)
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begin)
    os.unlink(path)
    return statistics.median(times) * 1e6


def demand_real_disk(folder):
    """A sync into memory costs nothing: figures from there would be worth as much."""
    kind = subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True, check=True).stdout.strip()
    if kind in ("tmpfs", "ramfs"):
        stop(f"{folder} is {kind}, not a disk: choose another folder with --dir")
    return kind


def lacks(program, package):
    """Words for what cannot be measured, or None."""
    if shutil.which(program):
        return None
    return f"{program} is missing: apt-get install {package} (or deploy/install tests/bench/packages)"
