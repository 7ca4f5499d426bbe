"""Providers of push notifications, as servers of this machine that speak their protocols."""
