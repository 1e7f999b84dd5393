"""How often maps point to a known lesion, counted by patient in numbers that can be kept and added up."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from appkit.prediction import Estimate
from appkit.prediction.intervals import exact_share

__all__ = ["counts_by_patient", "share_by_patient"]


def counts_by_patient(
    name: str, hits: np.ndarray, patients: np.ndarray, *, among: np.ndarray | None = None
) -> dict[str, float]:
    """Return how many patients have how many hits of how many images: all that a clustered interval asks for.

    Parameters
    ----------
    name
        What comes before the counts.
    hits
        bool ``(n_images,)``, or ``(n_copies, n_images)`` for several maps of the same images.
    patients
        Patient of each image, shape ``(n_images,)``.
    among
        bool of the shape of ``hits``: which of the maps count; ``None`` means all.

    Examples
    --------
    >>> counts_by_patient("map", np.array([True, False, True]), np.array(["a", "a", "b"]))
    {'map: 1 of 1': 1.0, 'map: 1 of 2': 1.0}
    """
    counted = np.ones(hits.shape, dtype=bool) if among is None else among
    codes = np.unique(patients, return_inverse=True)[1]
    n_maps, n_hits = (
        np.bincount(codes, weights=np.atleast_2d(rows).sum(axis=0)).astype(np.int64)
        for rows in (counted, hits & counted)
    )
    found = Counter(zip(n_maps.tolist(), n_hits.tolist(), strict=True))
    return {f"{name}: {n_hit} of {n}": float(count) for (n, n_hit), count in sorted(found.items()) if n}


def share_by_patient(name: str, scores: Sequence[Mapping[str, float]]) -> Estimate:
    """Return the share of hits over all data, its interval exact or clustered by patient; NaN where nothing counts.

    Parameters
    ----------
    name
        As it was given to :func:`counts_by_patient`.
    scores
        What was kept, one entry per data seed: their patients are different ones.

    Examples
    --------
    >>> share_by_patient("map", [{"map: 1 of 1": 8.0, "map: 0 of 1": 2.0}]).value
    0.8
    """
    hits: list[np.ndarray] = [np.empty(0, dtype=bool)]
    for one in scores:
        for key, count in one.items():
            if key.startswith(f"{name}: ") and " of " in key:
                n_hits, n = (int(part) for part in key.removeprefix(f"{name}: ").split(" of "))
                hits += [np.arange(n) < n_hits] * int(count)
    patients = np.repeat(np.arange(len(hits)), [len(own) for own in hits])
    return exact_share(name, np.concatenate(hits), groups=patients)
