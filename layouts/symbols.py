"""The signs of the screens, drawn once per page and used by reference."""

from __future__ import annotations

from markupsafe import Markup

_SYMBOLS: dict[str, tuple[str, Markup]] = {
    "s-ok": ("-8 -8 16 16", Markup('<circle r="5.6" fill="none" stroke-width="2"/>')),
    "s-att": ("-8 -8 16 16", Markup('<path d="M0-7L7 6H-7Z"/>')),
    "s-warn": ("-8 -8 16 16", Markup('<path d="M0-7.6L7.6 0 0 7.6-7.6 0Z"/>')),
    "s-alarm": ("-8 -8 16 16", Markup('<rect x="-6.4" y="-6.4" width="12.8" height="12.8" rx="1.4"/>')),
    "f-live": ("-8 -8 16 16", Markup('<circle r="5.5" stroke="none"/>')),
    "f-late": ("-8 -8 16 16", Markup('<circle r="5.5" fill="none" stroke-width="2.2"/>'
                                     '<path d="M0-5.5A5.5 5.5 0 0 0 0 5.5Z" stroke="none"/>')),
    "f-down": ("-8 -8 16 16", Markup('<circle r="5.5" fill="none" stroke-width="2.2"/>'
                                     '<path d="M-5.5 5.5L5.5-5.5" fill="none" stroke-width="2.2"/>')),
    "f-unknown": ("-8 -8 16 16", Markup('<circle r="6" fill="none" stroke-width="2.2" stroke-dasharray="3 2.4"/>')),
    "a-up": ("0 0 10 10", Markup('<path d="M5 1L9.4 9H.6Z"/>')),
    "a-dn": ("0 0 10 10", Markup('<path d="M5 9L.6 1H9.4Z"/>')),
    "a-eq": ("0 0 10 10", Markup('<path d="M.6 3.2H9.4V6.8H.6Z"/>')),
    "e-calm": ("0 0 40 40",
               Markup('<path d="M9 27a7 7 0 0 1 1-14 10 10 0 0 1 19-1 7.6 7.6 0 0 1 2 15Z" stroke-width="2.2"/>'
                      '<path d="M14.5 20l4 4 7.5-8" stroke-width="2.2"/>')),
    "e-none": ("0 0 40 40", Markup('<rect x="6" y="9" width="28" height="22" rx="2" stroke-width="2.2"/>'
                                   '<path d="M12 25l5-6 4 4 3-3 5 5M8 33L32 7" stroke-width="2.2"/>')),
    "e-error": ("0 0 40 40", Markup('<path d="M20 6L36 34H4Z" stroke-width="2.2"/>'
                                    '<path d="M20 16v9M20 28v2.6" stroke-width="2.4"/>')),
    "g-dots": ("0 0 20 20", Markup('<circle cx="4" cy="10" r="1.7"/><circle cx="10" cy="10" r="1.7"/>'
                                   '<circle cx="16" cy="10" r="1.7"/>')),
    "g-box": ("0 0 10 10", Markup('<rect x="1" y="1" width="8" height="8" rx="1" stroke-width="1.4"/>')),
    "g-x": ("0 0 10 10", Markup('<path d="M2 2L8 8M8 2L2 8" stroke-width="1.5"/>')),
    "g-lens": ("0 0 20 20", Markup('<circle cx="8.5" cy="8.5" r="5.6" fill="none" stroke-width="2"/>'
                                   '<path d="M12.8 12.8L18 18" stroke-width="2.4"/>')),
    "g-pin": ("-8 -8 16 16",
              Markup('<path d="M0 7.4C-3.4 2.6-4.8.4-4.8-2.4a4.8 4.8 0 0 1 9.6 0C4.8.4 3.4 2.6 0 7.4Z"/>')),
    "p-play": ("0 0 20 20", Markup('<path d="M5 3L17 10 5 17Z"/>')),
    "p-pause": ("0 0 20 20", Markup('<path d="M4 3H8V17H4ZM12 3H16V17H12Z"/>')),
    "p-back": ("0 0 20 20", Markup('<path d="M14 3L6 10 14 17Z"/>')),
    "p-on": ("0 0 20 20", Markup('<path d="M6 3L14 10 6 17Z"/>')),
    "p-prev": ("0 0 20 20", Markup('<path d="M3 3H6V17H3ZM17 3V17L7 10Z"/>')),
    "p-next": ("0 0 20 20", Markup('<path d="M14 3H17V17H14ZM3 3L13 10 3 17Z"/>')),
    "m-circle": ("-8 -8 16 16", Markup('<circle r="5"/>')),
    "m-square": ("-8 -8 16 16", Markup('<path d="M-5-5H5V5H-5Z"/>')),
    "m-triangle": ("-8 -8 16 16", Markup('<path d="M0-6.5L6 5H-6Z"/>')),
    "m-diamond": ("-8 -8 16 16", Markup('<path d="M0-6.5L6.5 0 0 6.5-6.5 0Z"/>')),
    "m-reservoir": ("-8 -8 16 16", Markup('<path d="M-7-5H7L3.75 5H-3.75Z"/>')),
    "m-cross": ("-8 -8 16 16", Markup('<path d="M-2.2-6.2H2.2V-2.2H6.2V2.2H2.2V6.2H-2.2V2.2H-6.2V-2.2H-2.2Z"/>')),
    "m-hexagon": ("-8 -8 16 16", Markup('<path d="M0-6.2L5.4-3.1V3.1L0 6.2-5.4 3.1V-3.1Z"/>')),
    "m-arrow": ("-8 -8 16 16", Markup('<path d="M6.6 0L-5-5.6-1.8 0-5 5.6Z"/>')),
    "m-drop": ("-8 -8 16 16", Markup('<path d="M0-7L4-1.4A4.7 4.7 0 1 1-4-1.4Z"/>')),
    "m-house": ("-8 -8 16 16", Markup('<path d="M0-6.5L6-.5 4.5 5H-4.5L-6-.5Z"/>')),
    "k-res": ("0 0 20 20", Markup('<path d="M2 4H18L13.5 17H6.5Z"/>')),
    "k-gauge": ("0 0 20 20", Markup('<circle cx="10" cy="10" r="6.4" fill="none" stroke-width="2.6"/>')),
    "k-home": ("0 0 20 20", Markup('<path d="M10 2.5L18 10H15.5V17.5H4.5V10H2Z"/>')),
}


def symbols() -> Markup:
    """The hidden drawing that every `icon` refers to; the shell holds it once."""
    drawn = Markup("").join(Markup('<symbol id="{}" viewBox="{}">{}</symbol>').format(key, box, shape)
                            for key, (box, shape) in _SYMBOLS.items())
    return Markup('<svg class="defs" aria-hidden="true"><defs>{}</defs></svg>').format(drawn)


def icon(key: str, css: str = "") -> Markup:
    """One sign by its key."""
    if key not in _SYMBOLS:
        raise KeyError(key)
    return Markup('<svg class="i{}" aria-hidden="true"><use href="#{}"></use></svg>').format(f" {css}" if css else "",
                                                                                             key)


def signal(state: str) -> Markup:
    """The large sign beside the leading sentence: ok, att/warn, alarm, unknown."""
    shapes = {"ok": Markup('<circle cx="24" cy="24" r="21"/><path d="M14 24.5l7 7 13-14"/>'),
              "unknown": Markup('<circle cx="24" cy="24" r="21" stroke-dasharray="6 5"/><path d="M15 24H33"/>')}
    warning = Markup('<path d="M24 6L44 41H4Z" stroke-linejoin="round"/><path d="M24 19v10M24 33v3.4"/>')
    css = {"att": " att", "warn": " warn"}.get(state, "")
    return Markup('<svg class="sig{}" viewBox="0 0 48 48" aria-hidden="true">{}</svg>').format(
        css, shapes.get(state, warning))


def tab_icon() -> Markup:
    """The mark for the browser's tab, in the page itself: an address would be asked for at every change of the view."""
    return Markup('<link rel="icon" type="image/svg+xml" href="data:image/svg+xml,'
                  '%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 28 28%22 fill=%22none%22 '
                  'stroke-width=%222.6%22%3E%3Cpath stroke=%22%233a9bd9%22 '
                  'd=%22M3 21C8 16 11 25 16 20S23 15 26 18%22/%3E%3Cpath stroke=%22%237cc48d%22 '
                  'd=%22M6 14L12 6l4 5 3-3 4 6%22/%3E%3C/svg%3E">')


def brand_mark() -> Markup:
    """The mark before the place's name: hills over a river."""
    return Markup(
        '<svg class="mark" viewBox="0 0 28 28" aria-hidden="true">'
        '<path class="mark-river" d="M3 21C8 16 11 25 16 20S23 15 26 18"/>'
        '<path class="mark-hill" d="M6 14L12 6l4 5 3-3 4 6"/></svg>')
