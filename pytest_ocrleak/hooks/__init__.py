"""What pytest calls while tests run: hooks that record and hand over; they decide nothing."""
