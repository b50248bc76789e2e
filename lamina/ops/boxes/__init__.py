"""Bounding boxes in images: their formats, how they move, overlap, and differ from anchors."""

from lamina.ops.boxes.deltas import decode_deltas_to_boxes as decode_deltas_to_boxes
from lamina.ops.boxes.deltas import encode_box_to_deltas as encode_box_to_deltas
from lamina.ops.boxes.formats import convert_format as convert_format
from lamina.ops.boxes.moves import affine_transform as affine_transform
from lamina.ops.boxes.moves import clip_to_image_size as clip_to_image_size
from lamina.ops.boxes.moves import crop as crop
from lamina.ops.boxes.moves import pad as pad
from lamina.ops.boxes.overlap import compute_ciou as compute_ciou
from lamina.ops.boxes.overlap import compute_iou as compute_iou
