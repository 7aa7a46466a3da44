"""From answers to a profile and back. Questions are data; prompts are in `prompt` alone."""
