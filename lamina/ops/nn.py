"""The ops that neural networks are made of, as `keras.ops.nn` lists them."""

from lamina.ops.activations import celu as celu
from lamina.ops.activations import elu as elu
from lamina.ops.activations import gelu as gelu
from lamina.ops.activations import glu as glu
from lamina.ops.activations import hard_shrink as hard_shrink
from lamina.ops.activations import hard_sigmoid as hard_sigmoid
from lamina.ops.activations import hard_silu as hard_silu
from lamina.ops.activations import hard_swish as hard_swish
from lamina.ops.activations import hard_tanh as hard_tanh
from lamina.ops.activations import leaky_relu as leaky_relu
from lamina.ops.activations import log_sigmoid as log_sigmoid
from lamina.ops.activations import log_softmax as log_softmax
from lamina.ops.activations import relu as relu
from lamina.ops.activations import relu6 as relu6
from lamina.ops.activations import selu as selu
from lamina.ops.activations import sigmoid as sigmoid
from lamina.ops.activations import silu as silu
from lamina.ops.activations import soft_shrink as soft_shrink
from lamina.ops.activations import softmax as softmax
from lamina.ops.activations import softplus as softplus
from lamina.ops.activations import softsign as softsign
from lamina.ops.activations import sparse_plus as sparse_plus
from lamina.ops.activations import sparse_sigmoid as sparse_sigmoid
from lamina.ops.activations import sparsemax as sparsemax
from lamina.ops.activations import squareplus as squareplus
from lamina.ops.activations import swish as swish
from lamina.ops.activations import tanh_shrink as tanh_shrink
from lamina.ops.activations import threshold as threshold
from lamina.ops.attention import dot_product_attention as dot_product_attention
from lamina.ops.convolution import conv as conv
from lamina.ops.convolution import conv_transpose as conv_transpose
from lamina.ops.convolution import depthwise_conv as depthwise_conv
from lamina.ops.convolution import separable_conv as separable_conv
from lamina.ops.crossentropy import binary_crossentropy as binary_crossentropy
from lamina.ops.crossentropy import categorical_crossentropy as categorical_crossentropy
from lamina.ops.crossentropy import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from lamina.ops.encoding import multi_hot as multi_hot
from lamina.ops.encoding import one_hot as one_hot
from lamina.ops.normalization import batch_normalization as batch_normalization
from lamina.ops.normalization import layer_normalization as layer_normalization
from lamina.ops.normalization import moments as moments
from lamina.ops.normalization import normalize as normalize
from lamina.ops.normalization import rms_normalization as rms_normalization
from lamina.ops.pooling import average_pool as average_pool
from lamina.ops.pooling import max_pool as max_pool
