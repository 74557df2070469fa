"""``aws.ec2.Instance``."""

from __future__ import annotations

from typing import Any

from tests.standin.aws.base import pascal, picked
from tests.standin.aws.ec2 import Ec2Resource
from tests.standin.values import Properties, words

ROOT_DEVICE = "/dev/xvda"
DISK = {"volumeSize": "VolumeSize", "volumeType": "VolumeType", "encrypted": "Encrypted"}
UNNAMED_INTERFACE = "eni-00000000000000000"
"""The local server describes a machine without its network interface."""


class Instance(Ec2Resource):
    """``aws:ec2/instance:Instance``; the local server cannot change one in place, and refuses it."""

    inputs = words(
        "ami instanceType subnetId vpcSecurityGroupIds associatePublicIpAddress iamInstanceProfile metadataOptions "
        "rootBlockDevice userData userDataReplaceOnChange tags"
    )
    replaces = words("ami subnetId associatePublicIpAddress")
    computed = words("arn instanceState privateIp publicIp privateDns publicDns primaryNetworkInterfaceId")
    gone = ("InvalidInstanceID.NotFound",)
    described = ("describe_instances", "InstanceIds", "Reservations")

    def make(self, inputs: Properties) -> str:
        interface = {
            "DeviceIndex": 0,
            "SubnetId": inputs["subnetId"],
            "Groups": inputs.get("vpcSecurityGroupIds", []),
            **picked(inputs, {"associatePublicIpAddress": "AssociatePublicIpAddress"}),
        }
        names = {"ami": "ImageId", "instanceType": "InstanceType", "userData": "UserData"}
        made = self.client.run_instances(
            MinCount=1, MaxCount=1, NetworkInterfaces=[interface], **picked(inputs, names), **_extras(inputs)
        )
        return str(made["Instances"][0]["InstanceId"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        """Its security groups are those of its network interface: the provider changes them there."""
        if rest := changed - {"vpcSecurityGroupIds"}:
            super().change(identity, new, rest)
        found = self.describe(identity)
        assert found is not None
        interface = found.get("NetworkInterfaces", [{"NetworkInterfaceId": UNNAMED_INTERFACE}])[0]["NetworkInterfaceId"]
        self.client.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=new["vpcSecurityGroupIds"])

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.terminate_instances(InstanceIds=[identity])
        self.client.get_waiter("instance_terminated").wait(InstanceIds=[identity])

    def describe(self, identity: str) -> dict[str, Any] | None:
        """A terminated instance is described for an hour, and gone all the same."""
        reservation = super().describe(identity)
        if reservation is None:
            return None
        found: dict[str, Any] = reservation["Instances"][0]
        return None if found["State"]["Name"] == "terminated" else found

    def properties(self, identity: str, found: dict[str, Any], known: Properties) -> Properties:
        # Not its subnet: the local server knows no subnet of a network interface, and names the default one.
        return {
            "arn": self.aws.arn("ec2", f"instance/{identity}"),
            "instanceState": found["State"]["Name"],
            "ami": found["ImageId"],
            "instanceType": found["InstanceType"],
            "privateIp": found.get("PrivateIpAddress", ""),
            "publicIp": found.get("PublicIpAddress", ""),
        }


def _extras(inputs: Properties) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if profile := inputs.get("iamInstanceProfile"):
        extras["IamInstanceProfile"] = {"Name": profile}
    if options := inputs.get("metadataOptions"):
        extras["MetadataOptions"] = pascal(options)
    if disk := inputs.get("rootBlockDevice"):
        ebs = picked(disk, {**DISK, "deleteOnTermination": "DeleteOnTermination"})
        extras["BlockDeviceMappings"] = [{"DeviceName": ROOT_DEVICE, "Ebs": ebs}]
    return extras
