"""Explanations against peers: ``python -m benchmarks.explain --problems table_24 --methods appkit shap``.

Networks are trained here on made-up data, so that the right answer can be computed: by enumeration up to 12 players,
else by long permutation runs whose own error is told. All methods run in one process, in turn, budget by budget and
round by round, on one thread, through one counter of network evaluations; the network alone is timed just before and
after each run. What a library cannot do is a line of the table.
"""

from benchmarks.explanations.run import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
