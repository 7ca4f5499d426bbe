"""iOS apps, by the Apple Push Notification service."""
