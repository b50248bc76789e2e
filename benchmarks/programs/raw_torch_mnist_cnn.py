"""`mnist_cnn.py` in plain PyTorch."""

import torch
from torch.nn.functional import cross_entropy
from torch_networks import mnist_cnn, time_steps

images, labels = torch.rand(3_840, 1, 28, 28), torch.randint(10, (3_840,))
time_steps(mnist_cnn(), cross_entropy, images, labels, batch_size=128)
