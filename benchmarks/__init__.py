"""Speed, side by side with Keras and the raw framework: `make bench`."""
