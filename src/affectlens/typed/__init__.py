"""What type checkers alone look at: settings by name, and the functions of trainings."""
