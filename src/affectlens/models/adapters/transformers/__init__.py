"""Classifiers of Hugging Face's transformers in a local folder; nothing is fetched, and no code of the folder is run."""

from affectlens.models.adapters.transformers.pictures import picture_transformer
from affectlens.models.adapters.transformers.sounds import SoundTransformer
from affectlens.models.adapters.transformers.texts import TextTransformer

__all__ = ["SoundTransformer", "TextTransformer", "picture_transformer"]
