"""Charts: functions from numbers to SVG text that reflows, follows the theme and repeats byte for byte."""
