"""The phones of the demo: parts become texts as they would on a real one."""

from farsight.handset.memory import Memory, join_texts, read_part
from services.notify.domain.text import encode_parts


def receive(memory: Memory, text: str, *, reference: int = 1, phone: str = "199", drop: int = 0):
    """Send a text's parts to a phone, except part number `drop`."""
    octets = encode_parts(text, reference)
    for number, part in enumerate(octets, start=1):
        if number != drop:
            memory.keep(
                read_part(
                    message_id=f"{reference}-{number}", phone=phone, sender="1069", octets=part,
                    esm_class=0x40 if len(octets) > 1 else 0, data_coding=8,
                )
            )  # fmt: skip


def test_long_texts_are_joined_and_survive_a_restart(tmp_path):
    """Two parts, one text; the file gives the same after a restart."""
    receive(Memory(tmp_path), "字" * 100)

    (text,) = join_texts(Memory(tmp_path).parts)
    assert (text.text, text.parts, text.complete) == ("字" * 100, 2, True)


def test_a_repeated_text_shows_twice_and_a_missing_part_is_seen(tmp_path):
    """The same reference again begins anew; what lacks a part says so."""
    memory = Memory(tmp_path)
    receive(memory, "字" * 100)
    receive(memory, "字" * 100)
    receive(memory, "缺" * 100, reference=2, drop=2)

    texts = join_texts(memory.parts)
    assert sorted((text.text[0], text.complete) for text in texts) == [
        ("字", True),
        ("字", True),
        ("缺", False),
    ]


def test_texts_of_different_phones_do_not_mix(tmp_path):
    """The same reference at two phones."""
    memory = Memory(tmp_path)
    receive(memory, "甲" * 71, phone="1")
    receive(memory, "乙" * 71, phone="2")

    assert {(t.phone, t.text[0], len(t.text)) for t in join_texts(memory.parts)} == {
        ("1", "甲", 71),
        ("2", "乙", 71),
    }
