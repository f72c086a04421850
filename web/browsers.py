"""What a browser says it is, in a few words of ours: nothing else of what it says is kept."""

from __future__ import annotations

# The first that is found: most browsers also claim to be those further down.
BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "FxiOS/": "Firefox",
    "Chrome/": "Chrome", "CriOS/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows",
    "CrOS": "ChromeOS", "Macintosh": "macOS", "Linux": "Linux",
}  # fmt: skip


def name(agent: str) -> str:
    """Such as “Firefox on Linux”."""
    browser = next((word for sign, word in BROWSERS.items() if sign in agent), "Another browser")
    system = next((word for sign, word in SYSTEMS.items() if sign in agent), "")
    return f"{browser} on {system}" if system else browser
