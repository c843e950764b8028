"""Numbers as people write them in a sentence."""


def format_number(value: float) -> str:
    """Three digits, and all digits before the point: 0.067, 66.7, 4,000. Never an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
