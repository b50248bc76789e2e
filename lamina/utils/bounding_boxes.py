"""`lamina.ops.boxes` under the name that Keras has for it."""

from lamina.ops.boxes import affine_transform as affine_transform
from lamina.ops.boxes import clip_to_image_size as clip_to_image_size
from lamina.ops.boxes import compute_ciou as compute_ciou
from lamina.ops.boxes import compute_iou as compute_iou
from lamina.ops.boxes import convert_format as convert_format
from lamina.ops.boxes import crop as crop
from lamina.ops.boxes import decode_deltas_to_boxes as decode_deltas_to_boxes
from lamina.ops.boxes import encode_box_to_deltas as encode_box_to_deltas
from lamina.ops.boxes import pad as pad
