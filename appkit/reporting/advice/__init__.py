"""The report on a recommender: what its advice is worth, for whom, and because of which purchases."""
