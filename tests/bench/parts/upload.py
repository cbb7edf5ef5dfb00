"""The nightly upload against the test suite's AWS stand-in, and the loop that people write with boto3, doing the same calls."""
import datetime
import json
import os
import subprocess
import sys
import time

from parts.machine import stop

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "system"))

import aws    # noqa: E402

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}'
CHAIN = ("RegisterCertificate", "CreateThing", "AttachThingPrincipal", "AttachPolicy")
RATES = ("register_certificate", "update_certificate", "describe_certificate", "create_thing", "describe_thing",
         "attach_thing_principal", "attach_policy", "add_thing_to_thing_group")


def run(words, env):
    """A client to its end: seconds, its CPU, its memory."""
    begin = time.monotonic()
    process = subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        stop(f"{' '.join(words)}: exit {process.returncode}: {out[-1000:]}")
    return {"wall_s": time.monotonic() - begin, "cpu_s": usage.ru_utime + usage.ru_stime, "rss_kib": usage.ru_maxrss}


def prepare(home, cloud, chain, unpaced):
    """The account and the settings of one measurement."""
    home.set(account=aws.ACCOUNT, region=aws.REGION)
    if chain:
        subprocess.run(["/usr/bin/aws", "--endpoint-url", cloud.url, "iot", "create-policy", "--policy-name", "device", "--policy-document", POLICY],
                       env=cloud.env(), check=True, stdout=subprocess.DEVNULL)
        home.set(things="yes", policies="device")
    if unpaced:
        home.set(**{f"rate_{name}": 10000 for name in RATES})
    subprocess.run([home.program, "--home", home.path, "aws", "register-ca"], env=cloud.env(), check=True,
                   stderr=subprocess.DEVNULL)


def lineca(home, cloud, *arguments):
    """One upload; what the stand-in saw of it."""
    cloud.reset_counters()
    result = run([home.program, "--home", home.path, "upload", *arguments], cloud.env())
    calls = {name: cloud.calls(name) for name in CHAIN}
    result["certificates"] = calls["RegisterCertificate"]["ok"]
    result["calls"] = sum(c["calls"] for c in calls.values())
    result["throttled"] = sum(c["throttled"] for c in calls.values())
    result["most_per_second"] = calls["RegisterCertificate"]["max_per_second"]
    return finish(result)


def boto3(home, cloud, count, chain):
    """The oldest `count` certificates of the home, one after the other, as people do today."""
    rows = subprocess.run([home.program, "--home", home.path, "cert", "list", "--limit", str(count), "--json"], check=True,
                          capture_output=True, text=True).stdout.splitlines()
    work = os.path.join(home.path, "boto3.jsonl")
    ca = subprocess.run([home.program, "--home", home.path, "ca", "show", "--json"], check=True, capture_output=True, text=True).stdout
    with open(work, "w") as file:
        for row in map(json.loads, rows):
            pem = subprocess.run([home.program, "--home", home.path, "cert", "export", row["serial"]], check=True,
                                 capture_output=True, text=True).stdout
            file.write(json.dumps({"device": row["device_id"], "certificate": pem}) + "\n")
    with open(work + ".ca", "w") as file:
        file.write(json.loads(ca)["certificate"])
    words = ["/usr/bin/python3", os.path.join(HERE, "boto3_loop.py"), work, work + ".ca"] + (["device"] if chain else [])
    result = run(words, cloud.env())
    result["certificates"] = len(rows)
    return finish(result)


def finish(result):
    result["certificates_per_s"] = result["certificates"] / result["wall_s"]
    result["cpu_s_per_1000"] = result["cpu_s"] * 1000 / result["certificates"]
    return result


def deadline(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
