"""Run by the application's Python: writes images for the tests.

The digits of the given numbers as <number>_<digit>.png, and of the first one what other tests send.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

numbers, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
digits = load_digits()
images = {number: Image.fromarray(np.round(digits.images[number] * 255 / 16).astype("uint8")) for number in numbers}
for number, image in images.items():
    image.save(folder / f"{number}_{digits.target[number]}.png")

first = images[numbers[0]]
(folder / "first.json").write_text(str(digits.target[numbers[0]]))
first.save(folder / "small.png")
first.resize((160, 160)).save(folder / "large.jpg", quality=95)
first.resize((160, 160)).save(folder / "large.gif")
Image.new("L", (9000, 9000)).save(folder / "huge.png")
