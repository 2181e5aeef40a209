"""N-pair loss: of N identities with two images each, every image finds its partner among N."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.batch_pairs import same_identity
from insightrec.train.losses.unit_vector import full_precision, unit

mx = import_mxnet()


class NPairLoss(mx.gluon.Block):
    """Multi-class N-pair loss (Sohn, NIPS 2016, eq. 7) on cosines: mean over i of log sum_j exp(cos_ij - cos_ii).

    cos_ij is of the first image of identity i and the second one of identity j, first and second in the
    batch's order. Identities with one image, and images after the second, take no part.
    """

    @classmethod
    def from_options(cls, options):
        return cls()

    def forward(self, embedding, label):
        """Loss of each of ``embedding`` (B, D) with classes ``label`` (B,); float32 (B,).

        The rows of first images hold the loss, scaled so that the mean over all rows is the mean over
        identities; the others are 0, as are all where no identity has two images.
        """
        same = same_identity(label)
        place = mx.nd.arange(len(label), ctx=label.context)
        earlier = place.reshape((1, -1)) < place.reshape((-1, 1))
        rank = (same * earlier).sum(axis=1)  # how many images of the identity come before
        anchor = (rank == 0) * (same.sum(axis=1) > 1)
        partner = (rank == 1).reshape((1, -1))

        vector = unit(full_precision(embedding))
        cosine = mx.nd.dot(vector, vector, transpose_b=True)
        own = (cosine * same * partner).sum(axis=1, keepdims=True)
        total = ((cosine - own).exp() * partner).sum(axis=1)
        total = mx.nd.where(anchor, total, mx.nd.ones_like(total))  # at least 1, also where there is no partner
        return total.log() * (len(label) / mx.nd.maximum(anchor.sum(), 1))
