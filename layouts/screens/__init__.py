"""Screens: one declaration each, listed here once; navigation, routes and tests follow."""

from __future__ import annotations

from layouts.screen import Screen
from layouts.screens import ecology, economy, emergency, events, feeds, overview, topics

SCREENS: tuple[Screen, ...] = (overview.SCREEN, economy.SCREEN, events.SCREEN, ecology.SCREEN, emergency.SCREEN,
                               feeds.SCREEN, topics.SCREEN)
BY_KEY: dict[str, Screen] = {screen.key: screen for screen in SCREENS}
