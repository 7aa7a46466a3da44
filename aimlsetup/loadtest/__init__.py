"""Asks all services at once: who is asked (`targets`), with what (`payloads`), by locust in a process of its own
(`child`, `locustfile`), and what came of it as figures (`figures`).
"""
