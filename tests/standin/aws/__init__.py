"""``pulumi-resource-aws``: every resource becomes boto3 calls to the AWS server that ``AWS_ENDPOINT_URL`` names.

botocore checks every parameter against AWS's own API models, and the server keeps the state. What pulumi-aws does
is taken from its schema, its documentation, and the Terraform provider that it bridges.
"""
