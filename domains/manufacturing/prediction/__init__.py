"""What a maintenance engineer asks of predictions: errors of remaining life, alarms and their cost, baselines."""
