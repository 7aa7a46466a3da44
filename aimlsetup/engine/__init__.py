"""Drives Ansible: inventory and secrets in, typed events and results out. Every file here has one edge or none."""
