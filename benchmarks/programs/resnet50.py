"""ResNet-50 in mixed bfloat16, batches of 256 images of 224 by 224 bytes."""

import keras
from images import BATCH, CLASSES, DEPTHS, OPERATIONS, SIZE, images, labels
from networks import resnet50
from throughput import JIT_COMPILE, time_fit

keras.mixed_precision.set_global_policy("mixed_bfloat16")
model = resnet50(SIZE, CLASSES, DEPTHS)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.Adam(3e-4), loss=loss, jit_compile=JIT_COMPILE)
time_fit(model, images, labels, BATCH, ("images", 1), OPERATIONS)
