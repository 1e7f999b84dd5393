"""Facts for a report, and the page that shows them."""
