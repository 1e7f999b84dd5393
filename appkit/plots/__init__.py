"""An explanation drawn in a notebook: each plot takes an Explanation and returns matplotlib axes."""

from appkit.plots.bar import bar
from appkit.plots.beeswarm import beeswarm
from appkit.plots.dependence import dependence
from appkit.plots.history import history
from appkit.plots.image_map import image_map
from appkit.plots.image_methods import image_methods
from appkit.plots.sensor_map import sensor_map
from appkit.plots.waterfall import waterfall

__all__ = ["bar", "beeswarm", "waterfall", "dependence", "image_map", "image_methods", "sensor_map", "history"]
