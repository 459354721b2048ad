"""Engines are data: engine_versions/<engine>.yaml is all there is to know of one.

Stages know `model` only, so that how YAML is read is no part of their code.
"""
