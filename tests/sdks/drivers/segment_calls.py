"""Every call of the Segment specification, through a client with segment-analytics-python's methods."""

from datetime import UTC, datetime

CONTEXT = {
    "app": {"name": "Shop", "version": "1.2.3", "build": "77"},
    "device": {"id": "dev_1", "model": "iPhone17,1"},
    "os": {"name": "iOS", "version": "18.1"},
    "page": {"url": "https://shop.example/checkout"},
    "locale": "de-DE",
}
IMPORTED_AT = datetime(2024, 3, 15, 14, 30, tzinfo=UTC)


def send_everything(client):
    """One event of each kind; two tracks more, of an anonymous visitor and with an id and time of our own."""
    client.track(anonymous_id="anon_1", event="Product Viewed", properties={"sku": "A-1"})
    client.identify("usr_1", {"email": "ada@example.com", "plan": "pro"}, anonymous_id="anon_1")
    client.track(
        "usr_1",
        "Order Completed",
        {"total": 9.99, "currency": "EUR", "items": [{"sku": "A-1", "count": 2}], "$gift/card.no": "ü"},
        context=dict(CONTEXT),
        anonymous_id="anon_1",
    )
    client.page("usr_1", "Docs", "Pricing", {"url": "https://shop.example/pricing", "title": "Pricing"})
    client.screen("usr_1", "Account", "Settings", {"tab": "billing"}, context=dict(CONTEXT))
    client.group("usr_1", "grp_1", {"name": "Acme", "seats": 5})
    client.alias("anon_0", "usr_1")
    client.track(
        "usr_1", "Order Imported", {"total": 1}, timestamp=IMPORTED_AT, message_id="order-4711/imported"
    )
