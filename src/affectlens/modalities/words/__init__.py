"""The words: recognised by the utterance, explained word by word and by concepts."""
