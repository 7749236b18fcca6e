"""The addresses of the server, one file a subject; each makes a router from the `Bench`."""
