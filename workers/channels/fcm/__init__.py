"""Android apps, by Firebase Cloud Messaging (HTTP v1)."""
