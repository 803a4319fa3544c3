"""Vauban attacks a classification model before an attacker does, and keeps watch over it afterwards."""
