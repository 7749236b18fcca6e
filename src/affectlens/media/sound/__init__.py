"""The tracks of sound of a recording: their channels, their rates, as one signal or several."""
