"""The command table from the side of who asks: for forms and command lines."""

from collections.abc import Iterator

from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.ingest.domain.commands import WORD_OF, is_control
from services.ingest.domain.field_names import name_of_field
from services.ingest.hj212.commands import CommandSpec, Parameter, commands, find
from services.ingest.hj212.version import Version


def kinds_of(version: Version | None, st: str = "") -> Iterator[pb.CommandKind]:
    """What may be asked of a logger of this version (None = the newest form of each), by number."""
    for cn in sorted({row.cn for row in commands()}):
        spec = find(cn, version, st)
        if spec is not None and spec.requestable:
            yield kind_message(spec)


def kind_message(spec: CommandSpec) -> pb.CommandKind:
    """One row of the table."""
    names = {parameter.name: "" for parameter in spec.parameters}
    return pb.CommandKind(
        cn=spec.cn,
        word=WORD_OF.get(spec.cn, ""),
        title_zh=spec.title_zh,
        title_en=spec.title_en,
        control=is_control(spec.cn, spec.answers, names),
        parameters=[parameter_message(one) for one in spec.parameters],
        versions=[int(version) for version in spec.versions],
    )


def parameter_message(parameter: Parameter) -> pb.CommandParameter:
    """One field that a command takes."""
    words = name_of_field(parameter.name)
    return pb.CommandParameter(
        name=parameter.name,
        title_zh=words.zh,
        title_en=words.en,
        required=not parameter.optional,
        type=parameter.type,
        choices=parameter.choices,
        limits=parameter.limits,
    )
