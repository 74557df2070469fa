"""What every implementation of a protocol must do, as test classes to inherit, and the values they are run on."""
