"""boto3_loop.py WORK CA [POLICY]: registers certificates as the guides' scripts do, a call after the other."""
import json
import os
import sys

import boto3

work, ca, *policy = sys.argv[1:]
iot = boto3.client("iot", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
with open(ca) as file:
    ca_pem = file.read()
with open(work) as file:
    for row in map(json.loads, file):
        answer = iot.register_certificate(certificatePem=row["certificate"], caCertificatePem=ca_pem, status="ACTIVE")
        if policy:
            iot.create_thing(thingName=row["device"])
            iot.attach_thing_principal(thingName=row["device"], principal=answer["certificateArn"])
            iot.attach_policy(policyName=policy[0], target=answer["certificateArn"])
