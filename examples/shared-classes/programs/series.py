import numpy as np
import series_base
import series_smooth

tide = series_base.Series([0.0, 3.0, 0.0, 3.0], step=0.5, label="tide")
smooth = series_smooth.smooth(tide, series_base.Window(1))
print(smooth, type(smooth) is series_base.Series)
print(np.asarray(smooth), np.asarray(smooth).ctypes.data == smooth.address)

window = series_smooth.even_window(2)
series_smooth.widen(window, 1)
print(window)

try:
    series_smooth.mean([0.0, 3.0])
except TypeError as error:
    print(error)
