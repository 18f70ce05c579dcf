"""A training run and its checkpoints: state, identity and resume.

``Run`` holds the state in memory, and ``Checkpoints`` writes it to disk. A run resumes only if its
identity (photos, settings, model, backend) is unchanged.
"""
