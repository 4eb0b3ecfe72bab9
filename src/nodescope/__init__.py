"""nodescope: what does each hidden node of a neural network do?

The sub-packages follow the way of the data; each imports only from those before it:
``config`` and ``grid`` (what to run), ``datasets``, ``models`` and ``training``,
``recording`` (activations to Parquet), ``analyses`` (tables), ``charts``, ``report``.
"""

__version__ = "0.1.0"
