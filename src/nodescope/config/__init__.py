"""The configuration: what a user may write in ``config.yaml``, checked before any job starts; one module per section."""
