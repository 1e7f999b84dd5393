"""What the generated shop sells: themes with a reason inside, staples, goods of a season and sundries."""

from dataclasses import dataclass

__all__ = ["CONSUMABLES", "SEASONAL", "STAPLES", "SUNDRIES", "THEMES", "Theme"]


@dataclass(frozen=True)
class Theme:
    """A target that is bought because of its drivers, beside decoys that the same customers buy.

    Parameters
    ----------
    target
        What is bought later by customers who have every driver.
    drivers
        One item or two; of two, both are needed.
    decoys
        Bought by the same customers, often in one basket with the drivers, without any influence on the target.
    audience
        Feature of a customer that makes the theme likelier: ``"garden"``, ``"family"``, ``"young"`` or none.
    """

    target: str
    drivers: tuple[str, ...]
    decoys: tuple[str, ...]
    audience: str = ""


THEMES = (
    Theme("teapot", ("green tea", "cups"), ("biscuits", "napkins")),
    Theme("proving basket", ("bread flour", "dry yeast"), ("baking paper", "olive oil"), "family"),
    Theme("tomato cage", ("tomato seedlings", "potting soil"), ("garden gloves", "watering can"), "garden"),
    Theme("milk frother", ("coffee beans",), ("brown sugar", "muffins"), "young"),
    Theme("bird bath", ("bird seed",), ("hedgehog house", "garden lantern"), "garden"),
    Theme("easel", ("oil paints", "canvas"), ("sketchbook", "apron")),
    Theme("cake stand", ("cake tin",), ("icing sugar", "candles"), "family"),
    Theme("grill brush", ("charcoal",), ("burger buns", "paper plates"), "garden"),
    Theme("pannier bag", ("bicycle lock",), ("cereal bars", "water bottle"), "young"),
    Theme("yarn bowl", ("merino yarn", "knitting needles"), ("buttons", "herbal tea")),
    Theme("dog blanket", ("dog harness",), ("dog treats", "tennis balls"), "garden"),
    Theme("film scanner", ("photo film",), ("photo album", "picture frame"), "young"),
    Theme("wok", ("soy sauce", "rice noodles"), ("sesame seeds", "chopsticks"), "young"),
    Theme("night light", ("baby monitor",), ("nappies", "baby wipes"), "family"),
    Theme("ski goggles", ("ski socks", "hand warmers"), ("lip balm", "trail mix"), "young"),
    Theme("desk lamp", ("desk organiser",), ("sticky notes", "ballpoint pens")),
)

CONSUMABLES = frozenset(
    (
        "green tea",
        "biscuits",
        "napkins",
        "bread flour",
        "dry yeast",
        "baking paper",
        "olive oil",
        "potting soil",
        "coffee beans",
        "brown sugar",
        "muffins",
        "bird seed",
        "oil paints",
        "canvas",
        "sketchbook",
        "icing sugar",
        "candles",
        "charcoal",
        "burger buns",
        "paper plates",
        "cereal bars",
        "merino yarn",
        "herbal tea",
        "dog treats",
        "photo film",
        "soy sauce",
        "rice noodles",
        "sesame seeds",
        "nappies",
        "baby wipes",
        "hand warmers",
        "lip balm",
        "trail mix",
        "sticky notes",
        "ballpoint pens",
    )
)

STAPLES = ("milk", "bread", "eggs", "bananas", "washing powder", "kitchen roll", "bin bags", "light bulbs")

SEASONAL = {  # months in which each is on sale
    "sun hat": (6, 7, 8),
    "ice lollies": (6, 7, 8),
    "pumpkin": (10,),
    "advent calendar": (11,),
    "crackers": (12,),
    "chocolate eggs": (3, 4),
}

SUNDRIES = tuple(f"sundry {number}" for number in range(1, 61))  # the most popular first
