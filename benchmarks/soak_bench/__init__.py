"""What the soak benchmark does: engines that live side by side, and the page that tells of it."""
