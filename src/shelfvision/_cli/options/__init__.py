"""The options of commands that have many; these modules import no heavy package."""
