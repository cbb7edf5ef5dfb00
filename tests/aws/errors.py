"""What AWS says when it says no."""


class AwsError(Exception):
    """An answer other than success. status None: as the service model declares it for the code; extra: more members."""

    def __init__(self, code, message=None, status=None, **extra):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.extra = code, message, status, extra


def invalid(message):
    return AwsError("InvalidRequestException", message, 400)


def not_found(message):
    return AwsError("ResourceNotFoundException", message, 404)


def exists(message, resource_id=None, resource_arn=None):
    extra = {k: v for k, v in (("resourceId", resource_id), ("resourceArn", resource_arn)) if v}
    return AwsError("ResourceAlreadyExistsException", message, 409, **extra)


def limit(message):
    """410 in IoT, and permanent."""
    return AwsError("LimitExceededException", message, 410)


def bad_certificate(message):
    return AwsError("CertificateValidationException", message, 400)


def bad_state(message):
    return AwsError("CertificateStateException", message, 406)
