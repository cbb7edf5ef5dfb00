"""The shell script of the guides: openssl x509 -req, one device after the other."""
import os
import resource
import shutil
import subprocess

from parts.cfssl import make_ca

SCRIPT = """
for csr in *.csr; do
    openssl x509 -req -in "$csr" -CA ca.pem -CAkey ca.key -CAcreateserial -out "${csr%.csr}.pem" -days 3650 -sha256 2>/dev/null
    echo "$EPOCHREALTIME"
done
"""


def write_requests(folder, requests, count):
    with open(requests) as file:
        text = file.read()
    end = "-----END CERTIFICATE REQUEST-----\n"
    for number, request in enumerate(text.split(end)[:count]):
        with open(os.path.join(folder, f"{number:06}.csr"), "w") as file:
            file.write(request + end)


def measure(folder, requests, count):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    make_ca(folder)
    write_requests(folder, requests, count)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["bash", "-c", 'echo "$EPOCHREALTIME"\n' + SCRIPT], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C"}, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    moments = [float(line) for line in done.stdout.split()]
    steps = sorted((b - a) * 1000 for a, b in zip(moments, moments[1:]))
    made = sum(name.endswith(".pem") for name in os.listdir(folder)) - 1    # without ca.pem
    shutil.rmtree(folder)
    return {
        "certificates": made, "requests": count, "connections": 1,
        "certificates_per_s": made / (moments[-1] - moments[0]),
        "p50_ms": steps[len(steps) // 2], "p99_ms": steps[int(len(steps) * 0.99)], "max_ms": steps[-1],
        "server_cpu_us": (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e6 / count,
    }
