"""``pulumi-resource-aws``: every resource becomes boto3 calls to the AWS server that ``AWS_ENDPOINT_URL`` names.

botocore checks every parameter against AWS's own API models, and the server keeps the state. What pulumi-aws does is
taken from its source and from the Terraform provider that it bridges: which inputs are ForceNew, that default tags
become ``tagsAll``, that a new security group loses its rule of letting everything out, that every update of a service
sends its desired count, and that a lifecycle policy is deleted before it is replaced.

What nothing here can show, because the local server does not keep it: whether zone rebalancing is off, the subnet of
an instance, a change of an instance in place; and whether AWS itself would take a value that its API models allow.
"""
