"""The configuration: what a user may write in ``config.yaml``, checked before any job starts."""

from nodescope.config.loading import only_this, parse_config
from nodescope.config.schema import Config, DatasetSource, Study

__all__ = ["Config", "DatasetSource", "Study", "only_this", "parse_config"]
