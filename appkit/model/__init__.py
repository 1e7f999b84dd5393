"""Networks, training and the scikit-learn face."""
