"""Drivers for systems that hold content or keep it out: one file for each kind, found by folder."""
