"""What a program may ask of AWS before it makes anything."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from tests.standin.aws.base import pascal
from tests.standin.aws.client import Aws
from tests.standin.aws.lookups import NETWORK, Asks
from tests.standin.provider import Function
from tests.standin.values import Properties

MACHINE_IMAGES = "/aws/service/debian/release/"
"""Public parameters, which the local server has none of and lets nobody set."""


def functions(aws: Aws) -> Mapping[str, Function]:
    """By their tokens."""
    table: dict[str, Asks] = {
        "aws:index/getCallerIdentity": _caller_identity,
        "aws:index/getAvailabilityZones": _availability_zones,
        "aws:ssm/getParameter": _parameter,
        "aws:ecr/getAuthorizationToken": _authorization_token,
        **NETWORK,
    }
    return {f"{token}:{token.rpartition('/')[2]}": _bound(function, aws) for token, function in table.items()}


def _bound(function: Asks, aws: Aws) -> Function:
    return lambda arguments: function(aws, arguments)


def _caller_identity(aws: Aws, arguments: Properties) -> Properties:
    found = aws.client("sts").get_caller_identity()
    return {"accountId": found["Account"], "arn": found["Arn"], "userId": found["UserId"], "id": found["Account"]}


def _availability_zones(aws: Aws, arguments: Properties) -> Properties:
    filters = [pascal(entry) for entry in arguments.get("filters", [])]
    if state := arguments.get("state"):
        filters.append({"Name": "state", "Values": [state]})
    found = aws.client("ec2").describe_availability_zones(Filters=filters)["AvailabilityZones"]
    names, ids = [zone["ZoneName"] for zone in found], [zone["ZoneId"] for zone in found]
    return {"id": aws.region, "names": names, "zoneIds": ids, "groupNames": [aws.region]}


def _parameter(aws: Aws, arguments: Properties) -> Properties:
    if arguments["name"].startswith(MACHINE_IMAGES):
        return {"name": arguments["name"], "type": "String", "value": "ami-0123456789abcdef0", "version": 1}
    decrypt = arguments.get("withDecryption", True)
    found = aws.client("ssm").get_parameter(Name=arguments["name"], WithDecryption=decrypt)["Parameter"]
    return {
        "id": found["Name"],
        "name": found["Name"],
        "arn": found["ARN"],
        "type": found["Type"],
        "value": found["Value"],
        "insecureValue": found["Value"],
        "version": found["Version"],
    }


def _authorization_token(aws: Aws, arguments: Properties) -> Properties:
    [found] = aws.client("ecr").get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(found["authorizationToken"]).decode().partition(":")
    return {
        "id": aws.region,
        "authorizationToken": found["authorizationToken"],
        "expiresAt": found["expiresAt"].isoformat(),
        "proxyEndpoint": found["proxyEndpoint"],
        "userName": user,
        "password": password,
    }
