"""Machines that wear and fail: sensor series and tables, with what is known about their failures."""
