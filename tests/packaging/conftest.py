"""Wheel and collection, built once."""

from tests.packaging.built import source, tarball, wheel

__all__ = ["source", "tarball", "wheel"]
