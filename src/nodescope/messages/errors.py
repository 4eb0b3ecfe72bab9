"""Mistakes that a user can make and mend; each is shown as one readable message, without a traceback."""


class NodescopeError(Exception):
    """Base of every error whose message is written for the user: what, where, what is allowed, what to do."""


class ConfigError(NodescopeError):
    """The configuration is not valid; the message lists every problem found."""


class DatasetError(NodescopeError):
    """A data set is missing, damaged or not usable as configured."""


class DamagedFileError(NodescopeError):
    """A file written by an earlier stage cannot be read back."""


class WeightsError(NodescopeError):
    """A file of weights is missing, damaged, or not of the network that it is given for."""


class FunctionError(NodescopeError):
    """A function of the user's own is missing, fails, or returns something else than it should."""


class RecordingError(NodescopeError):
    """A file of activations that were recorded elsewhere is missing, or breaks the contract."""


class NetworkError(NodescopeError):
    """A network is none that can be looked into, or its layers cannot be recorded as asked for."""


class UnknownNameError(NodescopeError, LookupError):
    """There is no study, table, figure, column or value of the name that was asked for."""
