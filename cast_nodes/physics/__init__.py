"""Whether things can stand as they were placed, and how to mend it while the photo holds them."""
