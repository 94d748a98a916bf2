"""A report for people: the document read as values, and the page that is made of them."""
