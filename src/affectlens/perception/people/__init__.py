"""Who is who in a recording, and who speaks."""
