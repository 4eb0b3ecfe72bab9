"""Patterns as bits, 64 nodes to a word.

Dimension letters: N sample, F node (a channel of a convolution), P position, W word, T pattern.

A fully connected layer shows one pattern per sample, a convolution one per sample and position: the vector over its
channels there. Node ``f`` is bit ``f % 64`` of word ``f // 64``; bits beyond the last node are zero.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:  # counting the patterns of a recorded layer needs no PyTorch
    import torch

Words = NDArray[np.uint64]

WORD_BITS = 64
#: Nodes whose bits are summed as powers of two on a GPU: exact in float32, and in TF32 too.
DEVICE_BITS = 16


def n_words(nodes: int) -> int:
    """Words of a pattern."""
    return -(-nodes // WORD_BITS)


def pack_rows(z_FT: NDArray[np.floating], threshold: float, begin: int = 0, end: int | None = None) -> Words:
    """The patterns [W, end - begin] of nodes that stand as rows and are known to be finite."""
    end = z_FT.shape[1] if end is None else min(end, z_FT.shape[1])
    words_WT = np.zeros((n_words(len(z_FT)), end - begin), np.uint64)
    _pack_positions(z_FT[None], z_FT.dtype.type(threshold), words_WT, begin, False)
    return words_WT


def pack_layer(z: "torch.Tensor", threshold: float) -> tuple[Words, bool]:
    """The patterns of a batch as a network computes it.

    Parameters
    ----------
    z
        Values [N, F], or [N, F, ...] with the axes of positions, of any floating dtype.
    threshold
        A node is on where its pre-activation exceeds this.

    Returns
    -------
    words : uint64 array [W, T]
        Sample after sample, and within a sample position after position.
    finite : bool
        Whether all values are.
    """
    if z.element_size() < 4:
        z = z.float()  # neither NumPy nor the threshold knows bfloat16
    if z.is_cuda:
        return _pack_on_device(z, threshold)
    if z.ndim == 2:
        return _pack_samples(z.numpy(), threshold)
    if z.stride(1) == 1:  # tokens, and images whose channels are last in memory
        return _pack_samples(z.movedim(1, -1).numpy().reshape(-1, z.shape[1]), threshold)
    z_NFP = z.contiguous().numpy().reshape(*z.shape[:2], -1)
    words_WT = np.zeros((n_words(z.shape[1]), z_NFP.shape[0] * z_NFP.shape[2]), np.uint64)
    total = _pack_positions(z_NFP, z_NFP.dtype.type(threshold), words_WT, 0, True)
    return words_WT, _all_finite(total, z_NFP)


def compact(words_WT: Words, nodes: int) -> NDArray[np.unsignedinteger]:
    """The same in the smallest type that holds the nodes, for keeping."""
    sizes = {8: np.uint8, 16: np.uint16, 32: np.uint32}
    return words_WT.astype(next((dtype for bits, dtype in sizes.items() if nodes <= bits), np.uint64))


def _pack_samples(z_TF: NDArray[np.floating], threshold: float) -> tuple[Words, bool]:
    """The values of a pattern lie together."""
    n_patterns, nodes = z_TF.shape
    on_TF = z_TF > threshold
    if nodes % 8 == 0:  # one long row is packed several times as fast as many short ones
        bytes_TB = np.packbits(on_TF.ravel(), bitorder="little").reshape(n_patterns, nodes // 8)
    else:
        bytes_TB = np.packbits(on_TF, axis=1, bitorder="little")
    padded_TB = np.zeros((n_patterns, 8 * n_words(nodes)), np.uint8)
    padded_TB[:, : bytes_TB.shape[1]] = bytes_TB
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(z_TF.sum())
    return np.ascontiguousarray(padded_TB.view("<u8").T), _all_finite(total, z_TF)


def _all_finite(total: float, values: NDArray[np.floating]) -> bool:
    """Whether all values are finite, whose sum is known: it is finite only then, but infinite of large values too."""
    return math.isfinite(total) or bool(np.isfinite(values).all())


@njit(cache=True, fastmath={"reassoc", "nsz"})
def _pack_positions(z_NFP, threshold, words_WT, begin, sums):  # type: ignore[no-untyped-def]
    """Set the bits; the sum of the values, if ``sums``, is finite only where all values are.

    The positions of a node lie together and are compared at once, as many from ``begin`` on as the words have room for.
    Bits of 32 nodes are set together, since twice as many fit a vector then, and a sum is an operation per value where a
    test is three. Only its order is left to the compiler.
    """
    n_samples, n_nodes, _ = z_NFP.shape
    n_positions = words_WT.shape[1] // max(1, n_samples)
    bits_P = np.empty(n_positions, np.uint32)
    total = threshold - threshold  # of the type of the values
    for n in range(n_samples):
        for first in range(0, n_nodes, 32):
            bits_P[:] = 0
            for f in range(first, min(first + 32, n_nodes)):
                bit = np.uint32(1) << np.uint32(f - first)
                row = z_NFP[n, f, begin : begin + n_positions]
                for p in range(n_positions):
                    bits_P[p] |= bit if row[p] > threshold else np.uint32(0)
                if sums:
                    for p in range(n_positions):
                        total += row[p]
            word = words_WT[first // 64, n * n_positions : (n + 1) * n_positions]
            shift = np.uint64(first % 64)
            for p in range(n_positions):
                word[p] |= np.uint64(bits_P[p]) << shift
    return total


@njit(cache=True)
def switches(words_WT):  # type: ignore[no-untyped-def]
    """Of patterns: how many bits are set altogether, and which of each word [W] are set in any and in all of them."""
    n_words, n_patterns = words_WT.shape
    total = np.int64(0)
    any_W = np.zeros(n_words, np.uint64)
    all_W = np.zeros(n_words, np.uint64)
    for w in range(n_words):
        some, every = np.uint64(0), ~np.uint64(0)
        for t in range(n_patterns):
            word = words_WT[w, t]
            some |= word
            every &= word
            # Bits are counted in pairs, fours and bytes, which are then added up by the product.
            word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
            word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
            word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
            total += np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
        any_W[w], all_W[w] = some, every
    return total, any_W, all_W


def _pack_on_device(z: "torch.Tensor", threshold: float) -> tuple[Words, bool]:
    """Sums of powers of two by a matrix product, so that two bytes per 16 nodes are copied instead of 64."""
    import torch

    n_samples, nodes = z.shape[:2]
    on_NFP = (z > threshold).reshape(n_samples, nodes, -1).float()
    node = torch.arange(nodes, device=z.device)
    groups = -(-nodes // DEVICE_BITS)
    powers_GF = torch.zeros(groups, nodes, device=z.device)
    powers_GF[node // DEVICE_BITS, node] = 2.0 ** (node % DEVICE_BITS)
    parts_GT = torch.matmul(powers_GF, on_NFP).to(torch.int32).transpose(0, 1).reshape(groups, -1)
    parts = parts_GT.to(torch.int16).cpu().numpy().view(np.uint16)  # wraps, and is read back without a sign
    words_WT = np.zeros((n_words(nodes), parts.shape[1]), np.uint64)
    for group, part_T in enumerate(parts):
        first = group * DEVICE_BITS
        words_WT[first // WORD_BITS] |= part_T.astype(np.uint64) << np.uint64(first % WORD_BITS)
    return words_WT, bool(torch.isfinite(z).all())
