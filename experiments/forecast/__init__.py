"""Time and money: how long a plan takes, what it costs, what is left and bills. Pure but for the stack's state."""
