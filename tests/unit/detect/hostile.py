"""Blocks of values that a kernel must survive, for hypothesis."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from services.detect.kernels.series import Series


@st.composite
def series(draw, *, columns=None, max_rows=3, max_columns=60):
    """Random block: coarse values so that repeats and ties happen, any mask, length 0 and 1 too."""
    rows = draw(st.integers(1, max_rows))
    width = draw(columns if columns is not None else st.integers(0, max_columns))
    whole = draw(hnp.arrays(np.int64, (rows, width), elements=st.integers(-3, 12)))
    step = draw(st.sampled_from([1.0, 0.1, 0.01, 37.5]))
    valid = draw(
        st.one_of(
            st.just(np.zeros((rows, width), bool)),
            st.just(np.ones((rows, width), bool)),
            hnp.arrays(np.bool_, (rows, width)),
        )
    )
    values = np.where(draw(hnp.arrays(np.bool_, (rows, width))), whole * step, whole[:, :1] * step)
    values = np.where(valid, values, draw(st.sampled_from([np.nan, np.inf, 0.0])))
    return Series.of(values.reshape(rows, width), valid)
