"""The Security Token Service: GetCallerIdentity, in form and XML."""
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from errors import AwsError

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
CODES = {"MissingAuthenticationTokenException": "MissingAuthenticationToken", "UnrecognizedClientException": "InvalidClientTokenId",
         "InvalidSignatureException": "SignatureDoesNotMatch", "ExpiredTokenException": "ExpiredToken",
         "IncompleteSignatureException": "IncompleteSignature", "AccessDeniedException": "AccessDenied",
         "ThrottlingException": "Throttling", "InternalFailureException": "InternalFailure",
         "ServiceUnavailableException": "ServiceUnavailable"}


def action(request):
    """What the request asks for: {name: value} of its form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    pairs = request.query
    if request.method == "POST" and kind == "application/x-www-form-urlencoded":
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return dict(pairs)


def get_caller_identity(form, key, partition, request_id):
    if form.get("Action") != "GetCallerIdentity" or form.get("Version") != "2011-06-15":
        raise AwsError("InvalidAction", f"Could not find operation {form.get('Action')} for version {form.get('Version')}", 400)
    return (f'<GetCallerIdentityResponse xmlns="{NAMESPACE}">\n  <GetCallerIdentityResult>\n'
            f"    <Arn>{escape(key.arn(partition))}</Arn>\n    <UserId>{key.user_id}</UserId>\n"
            f"    <Account>{key.account}</Account>\n  </GetCallerIdentityResult>\n  <ResponseMetadata>\n"
            f"    <RequestId>{request_id}</RequestId>\n  </ResponseMetadata>\n</GetCallerIdentityResponse>\n").encode()


def error(e, status, request_id):
    kind = "Sender" if status < 500 else "Receiver"
    return (f'<ErrorResponse xmlns="{NAMESPACE}">\n  <Error>\n    <Type>{kind}</Type>\n    <Code>{CODES.get(e.code, e.code)}</Code>\n'
            f"    <Message>{escape(e.message or '')}</Message>\n  </Error>\n  <RequestId>{request_id}</RequestId>\n"
            "</ErrorResponse>\n").encode()
