"""Files that are whole or not there, with a checksum each: tables, tensors, JSON."""
