"""The families of networks, as far as they are known without building one. Imports no torch."""
