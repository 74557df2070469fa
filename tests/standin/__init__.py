"""Stand-ins for Pulumi's provider plugins, which are Go programs that cannot be had offline.

The real engine starts them as it starts the real ones: a program named ``pulumi-resource-<package>`` on PATH that
prints the port of its gRPC server. `aws` turns every resource into boto3 calls, `docker` into builds and pushes.
What a stand-in does not know, it refuses by name: a test cannot pass because something was left out.
"""
