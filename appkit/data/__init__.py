"""Tables in: schema, validation, encoders, splits and data sets."""

from appkit.data.schema import Column, Schema

__all__ = ["Column", "Schema"]
