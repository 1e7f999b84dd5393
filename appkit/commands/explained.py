"""An explanation as the table that ``appkit explain`` writes."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from appkit.explanation import Explanation

__all__ = ["long_table", "wide_table"]


def long_table(explanation: "Explanation", names: "pd.DataFrame") -> "pd.DataFrame":
    """Return one line per row, output and player, with the columns of ``names`` in front."""
    import pandas as pd

    lines = explanation.to_frame()
    shown = lines["shown"].map(str, na_action="ignore").astype("str")
    named = names.iloc[lines["row"]].reset_index(drop=True).assign(output=lines["output"])
    return pd.concat([named, _players(explanation, lines), lines.assign(shown=shown).loc[:, "shown":]], axis=1)


def wide_table(explanation: "Explanation", names: "pd.DataFrame") -> "pd.DataFrame":
    """Return one line per row and output, two columns per player."""
    import pandas as pd

    named = names.reset_index(drop=True)
    parts = []
    for position, output in enumerate(explanation.output_names):
        part: dict[str, Any] = {"output": output}
        part |= {"base_value": explanation.base_value[:, position], "model_output": explanation.output[:, position]}
        for player, name in enumerate(explanation.player_names):
            part[name] = explanation.values[:, player, position]
            part[f"{name} (standard error)"] = explanation.standard_error[:, player, position]
        parts.append(pd.concat([named, pd.DataFrame(part, index=named.index)], axis=1))
    return pd.concat(parts, ignore_index=True)


def _players(explanation: "Explanation", lines: "pd.DataFrame") -> "pd.DataFrame":
    """Return what the player of each line is: a column, a sensor over stretches of steps, or a segment of an image."""
    import numpy as np
    import pandas as pd

    from appkit.explanation.layouts import ImageLayout, WindowLayout

    layout = explanation.layout
    if isinstance(layout, ImageLayout):
        spans = [_spans(segments) for segments in layout.segments]
        first = np.cumsum([0, *map(len, spans)])  # of each image, among the segments of all
        player = lines.groupby(["row", "output"], sort=False).cumcount()  # those an image lacks come last
        own = pd.concat(spans, ignore_index=True).iloc[first[lines["row"]] + player].reset_index(drop=True)
        return pd.concat([lines["player"].rename("segment"), own], axis=1)
    names = list(explanation.player_names)
    if not isinstance(layout, WindowLayout):
        return pd.DataFrame({"column": lines["player"]})
    steps = [f"{start} to {end - 1}" for start, end in pairwise(layout.bounds.tolist())]
    stretches = pd.MultiIndex.from_product([layout.sensors, steps], names=["sensor", "steps"])
    return stretches.to_frame(index=False).set_axis(names).loc[lines["player"]].reset_index(drop=True)


def _spans(segments: "np.ndarray") -> "pd.DataFrame":
    """Return the rows and columns of pixels that each segment of an image, ``(height, width)``, spans."""
    import pandas as pd
    from scipy.ndimage import find_objects

    boxes = find_objects(segments + 1)  # 0 would be no object
    spans = [[f"{side.start} to {side.stop - 1}" for side in box] for box in boxes]
    return pd.DataFrame(spans, columns=["pixel_rows", "pixel_columns"])
