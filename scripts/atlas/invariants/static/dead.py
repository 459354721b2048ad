"""Control that does not come back from an expression."""


class DeadError(Exception):
    """The expression that is evaluated never has a value: control left it by an exception."""
