"""Medical images: classifiers a clinician can question."""
