"""Names of the kinds of networks, importable without torch."""

KINDS = ("undercomplete", "denoising", "variational", "semi-supervised")  # of autoencoders of speech
