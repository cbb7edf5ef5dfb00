#!/usr/bin/python3
"""
A stand-in for AWS: STS GetCallerIdentity and IoT's control plane, for tests. It believes nobody: every signature is computed
again with botocore's code, every member validated against botocore's service model, every certificate verified.

  /usr/bin/python3 -B tests/aws/standin.py --port 0 --account ACCOUNT:ACCESS_KEY_ID:SECRET[:SESSION_TOKEN] [--account ...]
      [--tls-cert FILE --tls-key FILE] [--faults FILE]

prints "listening on http://127.0.0.1:PORT" (https with a certificate), and ends with SIGTERM or SIGINT. Several keys may belong
to one account. The region is the one of the signature; all state is per account and region and lives in memory.

Operations: those in the OPERATIONS of authorities, certificates, things, groups, policies and region; others that the model knows
answer 501 NotInTheStandIn. Errors have AWS's shapes: code in x-amzn-ErrorType, {"message"} and for 409 resourceId and resourceArn;
STS answers XML. Every answer has x-amzn-RequestId and, by the stand-in's clock, Date.

Faults on demand, counters, a dump, the clock and the keys: control.py and faults.py; tests/system/aws.py is the client for tests.

Where AWS publishes nothing the stand-in takes the stricter way: unknown members of a query or body are refused, text around a PEM
block is refused, a certificate whose issuer's subject two registered CAs have needs caCertificatePem. A certificate that is
registered already is a 409 even when its CA is inactive by now. Signatures may be for the service iot or, as older clients do it,
execute-api. What AWS does late (lists that lag behind, a 404 right after a success) a rule of faults.py with `first` brings about.
"""
import argparse
import asyncio
import json
import signal
import ssl
import sys

sys.dont_write_bytecode = True

import front
from cloud import Cloud
from control import Control


async def serve(args):
    cloud = Cloud(args.account)
    if args.faults:
        with open(args.faults, encoding="utf-8") as f:
            cloud.faults.load(json.load(f))
    tls = None
    if args.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(args.tls_cert, args.tls_key)
    server = await front.listen(front.Site(cloud, Control(cloud)), args.port, tls)
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    print(f"listening on http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await end.wait()
    server.close()


def main():
    parser = argparse.ArgumentParser(description="A stand-in for AWS STS and IoT.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--account", action="append", required=True, metavar="ACCOUNT:ACCESS_KEY_ID:SECRET[:TOKEN]")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--faults", help="a JSON file with the rules to begin with")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
