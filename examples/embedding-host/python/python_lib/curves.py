"""Work with the classes of another package, `series_base`, which shares them with whoever asks."""

from series_base import Series, Window


def thin(series: Series, window: Window) -> Series:
    """Leaves out as many numbers after each as the window is wide, and makes the window wider."""
    distance = window.width + 1
    window.width = distance
    kept = [series[index] for index in range(0, len(series), distance)]
    return Series(kept, start=series.start, step=series.step * distance, label="thinned")
