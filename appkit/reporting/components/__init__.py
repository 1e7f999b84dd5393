"""Components: functions from one block of facts to its part of the page."""
