"""Attacks, each as the promise that holds against it."""
