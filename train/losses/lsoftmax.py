"""L-softmax: SphereFace's margin with weights of any length."""

from insightrec.train.losses.sphereface import SphereFace


class LSoftmax(SphereFace):
    """f_y = |W_y| |x| (psi(m theta) + beta cos(theta)) / (1 + beta), f_j = W_j x (Liu et al., ICML 2016, eq. 4 and 6).

    Margin and annealing are those of `SphereFace`.
    """

    normalize_weight = False
