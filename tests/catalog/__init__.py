"""Tests of the catalog and of reading profiles."""
