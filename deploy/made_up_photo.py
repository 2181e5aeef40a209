"""A made-up photo to time a detector on where no photographs are at hand."""

import cv2
import numpy as np

from insightrec.deploy.drawn_faces import drawn_faces

HEIGHT, WIDTH = 768, 1024
FACE_SIDE = 224
FACES_AT = ((120, 200), (120, 600), (420, 200), (420, 600))  # row, column of the upper left pixel of each
BLOTCH = 16  # pixels a side: MTCNN takes as many places for candidates as in a photograph of this size


def made_up_photo():
    """Four drawn faces on blotches of colour: uint8 RGB (768, 1024, 3), the same every time."""
    blotches = np.random.default_rng(0).integers(0, 256, (HEIGHT // BLOTCH, WIDTH // BLOTCH, 3), np.uint8)
    photo = cv2.resize(blotches, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    for (top, left), face in zip(FACES_AT, drawn_faces(len(FACES_AT), (FACE_SIDE, FACE_SIDE))):
        photo[top : top + FACE_SIDE, left : left + FACE_SIDE] = face
    return photo
