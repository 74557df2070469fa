"""``aws.s3``: bucket, and its public access block, encryption and lifecycle, which are resources of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.standin.aws.base import AwsResource, pairs, pascal
from tests.standin.values import Properties, words


class _S3(AwsResource):
    """A bucket or a part of one; its id is the bucket's name."""

    service = "s3"
    gone = (
        "NoSuchBucket",
        "404",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchLifecycleConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
    )


class Bucket(_S3):
    """``aws:s3/bucket:Bucket`` without the parts that are resources of their own: they are refused."""

    inputs = words("bucket forceDestroy tags")
    replaces = words("bucket")
    computed = words("arn bucketDomainName bucketRegionalDomainName hostedZoneId")
    name_property, name_limit = "bucket", 56

    def make(self, inputs: Properties) -> str:
        name = inputs["bucket"]
        place = {"LocationConstraint": self.aws.region}
        where = {} if self.aws.region == "us-east-1" else {"CreateBucketConfiguration": place}
        self.client.create_bucket(Bucket=name, **where)
        return str(name)

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        """``forceDestroy`` alone, which AWS does not know."""

    def unmake(self, identity: str, known: Properties) -> None:
        if known.get("forceDestroy"):
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=identity):
                for entry in page.get("Contents", []):
                    self.client.delete_object(Bucket=identity, Key=entry["Key"])
        self.client.delete_bucket(Bucket=identity)

    def read(self, identity: str, known: Properties) -> Properties | None:
        if self.unless_gone(lambda: self.client.head_bucket(Bucket=identity)) is None:
            return None
        regional = f"{identity}.s3.{self.aws.region}.amazonaws.com"
        return {"arn": f"arn:aws:s3:::{identity}", "bucket": identity, "bucketRegionalDomainName": regional}

    def tag(self, identity: str, tags: Mapping[str, str]) -> None:
        self.client.put_bucket_tagging(Bucket=identity, Tagging={"TagSet": pairs(tags)})

    def untag(self, identity: str, keys: list[str]) -> None:
        self.client.delete_bucket_tagging(Bucket=identity)  # the rest is put again whole


class _Part(_S3):
    """A configuration that a bucket has or has not."""

    replaces = words("bucket")
    tagged = False
    get: ClassVar[str]
    remove: ClassVar[str]

    def make(self, inputs: Properties) -> str:
        self.change(inputs["bucket"], inputs, set(inputs))
        return str(inputs["bucket"])

    def unmake(self, identity: str, known: Properties) -> None:
        getattr(self.client, self.remove)(Bucket=identity)

    def read(self, identity: str, known: Properties) -> Properties | None:
        found = self.unless_gone(lambda: getattr(self.client, self.get)(Bucket=identity))
        return None if found is None else {"bucket": identity}


class PublicAccessBlock(_Part):
    """``aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock``."""

    inputs = words("bucket blockPublicAcls blockPublicPolicy ignorePublicAcls restrictPublicBuckets")
    get, remove = "get_public_access_block", "delete_public_access_block"

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        flags = {key: new.get(key, False) for key in self.inputs - {"bucket"}}
        self.client.put_public_access_block(Bucket=identity, PublicAccessBlockConfiguration=pascal(flags))


class Encryption(_Part):
    """``aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration``."""

    inputs = words("bucket rules")
    get, remove = "get_bucket_encryption", "delete_bucket_encryption"

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        configuration = {"Rules": [_encryption_rule(rule) for rule in new["rules"]]}
        self.client.put_bucket_encryption(Bucket=identity, ServerSideEncryptionConfiguration=configuration)


class Lifecycle(_Part):
    """``aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration``."""

    inputs = words("bucket rules")
    get, remove = "get_bucket_lifecycle_configuration", "delete_bucket_lifecycle"

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        configuration = {"Rules": [_lifecycle_rule(rule) for rule in new["rules"]]}
        self.client.put_bucket_lifecycle_configuration(Bucket=identity, LifecycleConfiguration=configuration)


def _encryption_rule(rule: Properties) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if default := rule.get("applyServerSideEncryptionByDefault"):
        names = {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}
        made["ApplyServerSideEncryptionByDefault"] = {names[key]: value for key, value in default.items()}
    if "bucketKeyEnabled" in rule:
        made["BucketKeyEnabled"] = rule["bucketKeyEnabled"]
    return made


def _lifecycle_rule(rule: Properties) -> dict[str, Any]:
    made: dict[str, Any] = pascal(rule)
    made["ID"] = made.pop("Id")
    return made
