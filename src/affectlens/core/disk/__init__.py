"""What lies on disk: files that appear whole, their names, digests and locks, what is kept between runs, folders walked."""
