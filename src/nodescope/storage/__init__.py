"""Files that are whole or not there, each with its checksum beside it: tables, tensors, JSON."""
