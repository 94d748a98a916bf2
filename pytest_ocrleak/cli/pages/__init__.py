"""What is printed: tables as plain data, and the two ways to print them."""
