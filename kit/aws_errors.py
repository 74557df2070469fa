"""Translates what botocore raises into one line that says what happened and what to do. Pure.

The codes are those of "Common Errors" in the API references of AWS, of Signature Version 4, and of STS.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from kit.errors import AwsError, CredentialsError

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
UNKNOWN = {"UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationToken", "IncompleteSignature"}
WRONG_TIME = {"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"}
WRONG_SIGNATURE = {"SignatureDoesNotMatch", "InvalidSignatureException"}
REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
LOGIN = "Log in with `aws sso login`, or set new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN."
PERMISSIONS = (
    "`sociometer help permissions` says what is needed, and `sociometer help fargate-policy` prints it for IAM."
)
CLOCK = "fix this machine's clock (`timedatectl set-ntp true`)"
WRONG_CLOCK = f"This machine's clock differs from AWS's: {CLOCK}."
KEY_OR_CLOCK = f"Either the secret key is wrong, or the clock: {CLOCK}."
SECONDS_THAT_SIGN = 240
"""A clock that is off by less signs well: AWS refuses from five minutes on (Signature Version 4), and an answer's date
is whole seconds and older than the answer."""
KEPT = "Every record is kept, and the sweep can be resumed."
AGAIN = "Then run the command again."

_NOBODY = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.NoAuthTokenError,
)
_EXPIRED = (
    exceptions.SSOTokenLoadError,
    exceptions.UnauthorizedSSOTokenError,
    exceptions.TokenRetrievalError,
    exceptions.RefreshWithMFAUnsupportedError,
)
UNREACHABLE = (exceptions.ConnectionError, exceptions.HTTPClientError, exceptions.IncompleteReadError)


def translate(doing: str, error: BotoCoreError | ClientError, then: str = KEPT) -> AwsError:
    """Our error for one of botocore's; ``doing`` is the operation, ``then`` what to do once logged in."""
    if isinstance(error, ClientError):
        return _answered(doing, error, then)
    if isinstance(error, _EXPIRED):
        return CredentialsError(f"The AWS login has expired. {LOGIN} {then}")
    if isinstance(error, _NOBODY):
        return CredentialsError(f"There are no AWS credentials: {_line(error)} {LOGIN} {then}")
    if isinstance(error, exceptions.ProfileNotFound):
        return CredentialsError(f"{_line(error)} AWS_PROFILE names one of ~/.aws/config.")
    if isinstance(error, exceptions.NoRegionError):
        return AwsError("No AWS region is set. The stack names one; else set AWS_REGION.")
    if isinstance(error, UNREACHABLE):
        return AwsError(f"AWS cannot be reached for {doing}, after all tries: {_line(error)}")
    return AwsError(f"{doing} failed: {_line(error)}")


def _answered(doing: str, error: ClientError, then: str) -> AwsError:
    """AWS answered, and refused."""
    code, message = error.response["Error"].get("Code", "no code"), error.response["Error"].get("Message", "")
    said = f"{doing} was refused ({code}: {' '.join(message.split()) or 'no message'})."
    if code in EXPIRED:
        return CredentialsError(f"The AWS credentials have expired ({code}). {LOGIN} {then}")
    if code in WRONG_TIME or code in WRONG_SIGNATURE:
        return CredentialsError(f"{said} {_about_the_clock(code, message, error.response)}")
    if code in UNKNOWN:
        return CredentialsError(f"{said} AWS does not know these credentials. {LOGIN} {then}")
    if code in REFUSED:
        return AwsError(f"{said} {PERMISSIONS}")
    if code in THROTTLED:
        return AwsError(f"AWS throttled {doing} to the end, {_tries(error.response)} ({code}). Try again later.")
    return AwsError(f"{said} It was tried {_tries(error.response)}.")


def _about_the_clock(code: str, message: str, response: Mapping[str, Any]) -> str:
    """AWS refuses a wrong clock and a wrong secret key alike, because a signature contains the time."""
    off = _seconds_off(response)
    if off is not None and abs(off) > SECONDS_THAT_SIGN:
        return f"This clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} AWS's: {CLOCK}."
    if code in WRONG_TIME or any(word in message for word in ("expired", "not yet current", "Signature not yet")):
        return WRONG_CLOCK
    return KEY_OR_CLOCK


def _seconds_off(response: Mapping[str, Any]) -> float | None:
    """This machine's clock minus AWS's, from the answer's date, to a few seconds."""
    text = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return (datetime.now(UTC) - parsedate_to_datetime(text)).total_seconds() if text else None
    except ValueError:
        return None


def _tries(response: Mapping[str, Any]) -> str:
    tries = int(response.get("ResponseMetadata", {}).get("RetryAttempts", 0)) + 1
    return "once" if tries == 1 else f"{tries} times"


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if text.endswith(".") else f"{text}."
