"""Edges and rings of the collusion radar to protobuf and back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.chassis.clock import to_timestamp
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.detect.radar_store import RadarEdgeRow, RadarLookRow
from services.detect.screening.radar import Edge, Radar, rings_of
from services.detect.screening.radar_picture import radar_svg
from services.detect.screening.radar_words import trace_words
from services.detect.screening.traces import Trace


def edge_message(edge: Edge) -> pb.RadarEdge:
    """连线 with what joins its outlets, in words too."""
    traces = [
        pb.RadarTrace(
            kind=one.kind, factor=one.factor, statistic=one.statistic, expected=one.expected,
            lag_h=one.lag_h, strength=one.strength, words=trace_words(one),
        )
        for one in edge.traces
    ]  # fmt: skip
    one, other = edge.outlets
    return pb.RadarEdge(
        outlet_id=one, other_id=other, operator=edge.operator, traces=traces,
        strength=edge.strength,
    )  # fmt: skip


def radar_message(
    edges: Sequence[RadarEdgeRow], looks: Sequence[RadarLookRow], names: Mapping[str, str]
) -> pb.GetRadarResponse:
    """串通雷达: rings of the edges that the caller may see, with their picture.

    `names` of outlets and owners where there are, for the picture.
    """
    rings = tuple(rings_of(_edge(pb.RadarEdge.FromString(row.body)) for row in edges))
    shown = tuple(replace(one, operator=names.get(one.operator, one.operator)) for one in rings)
    pairs, control = sum(one.pairs for one in looks), max((one.control for one in looks), default=0)
    picture = radar_svg(Radar(shown, pairs, control), names)
    return pb.GetRadarResponse(
        rings=[
            pb.RadarRing(
                operator=ring.operator, outlets=ring.outlets,
                edges=[edge_message(edge) for edge in ring.edges],
            )
            for ring in rings
        ],
        looks=[
            pb.RadarLook(
                operator=look.operator, outlets=look.outlets, pairs=look.pairs,
                control=look.control, seen_at=to_timestamp(look.seen_at),
            )
            for look in looks
        ],
        picture=picture,
    )  # fmt: skip


def _edge(message: pb.RadarEdge) -> Edge:
    traces = tuple(
        Trace(one.kind, one.factor, one.statistic, one.expected, one.lag_h, one.strength)
        for one in message.traces
    )
    return Edge((message.outlet_id, message.other_id), message.operator, traces, message.strength)
