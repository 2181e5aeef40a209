"""Batches of an order's endless stream, with the place in it that a resumed run goes on from."""

from insightrec.train.face_feed import FaceFeed


class StreamBatches:
    """Endless batches as the training loop takes them; the counterpart for mined triplets is `TripletBatches`.

    Args:
        order: an `ImageOrder` or `IdentityOrder`.
        faces, feeding: further arguments of `FaceFeed`.

    Attributes:
        errors: dict, the error of each damaged image's position in the set.
    """

    def __init__(self, faces, order, **feeding):
        self._faces, self._order, self._feeding = faces, order, feeding
        self._position = 0
        self.errors = {}

    def __iter__(self):
        """Yield `FaceBatch`, from where `restore` has put the stream."""
        with FaceFeed(self._faces, self._order, first_position=self._position, **self._feeding) as feed:
            self.errors = feed.errors
            for batch in feed:
                self._position = batch.next_position
                yield batch

    @property
    def epoch(self):
        """How many epochs are over."""
        return self._order.epoch(self._position)

    def state(self):
        """What `restore` needs: a dict of JSON types, and a dict of arrays."""
        return {"position": self._position}, {}

    def restore(self, state, arrays):
        """Go on where `state` was taken; before iterating."""
        self._position = state["position"]
