"""Tables in: schema, validation, encoders, splits and data sets."""
