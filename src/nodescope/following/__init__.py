"""Follow a training loop of the user's own: the same samples run through the network at every n-th step.

- `follower`: the public functions; `probe`: the samples; `looking`: a forward pass of them and what is counted of it
- `tables`: what comes of it
- `callbacks`: Lightning, Hugging Face's Trainer and Keras
"""
