"""The dynamic providers under the names that stacks made before version 0.2 hold in their state.

Pulumi keeps a provider in the state as a reference to its class; `refresh` and `destroy` import it from there.
"""
