"""What gateways send: receipts with TLVs, with text only, and addresses of accounts."""

import pytest
from smpplib import smpp

from services.chassis.errors import InputRejected
from services.notify.smpp import _receipt, parse_uri

TEXT = (
    "id:abc123 sub:001 dlvrd:001 submit date:2611221000 done date:2611221001 stat:UNDELIV err:011"
)


def deliver(**fields: object):
    """A deliver_sm as it comes off the wire."""
    made = smpp.make_pdu(
        "deliver_sm", sequence=7, source_addr="19900000001", destination_addr="1069",
        esm_class=4, **fields,
    )  # fmt: skip
    made.sequence = 7  # the library ignores the argument
    read = smpp.make_pdu("deliver_sm", sequence=0, allow_unknown_opt_params=True)
    read.parse(made.generate())
    return read


def test_a_receipt_of_text_only_is_read():
    """Gateways without TLVs write id and state into the text (SMPP 3.4 appendix B)."""
    receipt = _receipt(deliver(short_message=TEXT.encode()))

    assert (receipt.message_id, receipt.state) == ("abc123", "UNDELIV")
    assert (receipt.phone, receipt.reference, receipt.token) == ("19900000001", 0, 7)


def test_tlvs_count_more_than_the_text():
    """Both present: the typed fields win."""
    receipt = _receipt(
        deliver(
            short_message=TEXT.encode(),
            receipted_message_id="xyz",
            message_state=2,
            user_message_reference=513,
        )
    )

    assert (receipt.message_id, receipt.state, receipt.reference) == ("xyz", "DELIVRD", 513)


@pytest.mark.parametrize("text", [b"", b"hello", b"\xff\xfe\x00"])
def test_a_receipt_that_says_nothing_has_no_id(text):
    """It is acknowledged and leaves no trace."""
    assert _receipt(deliver(short_message=text)).message_id == ""


def test_an_account_is_read_from_its_uri_and_faults_do_not_show_the_password():
    """Percent-encoded passwords work; a wrong URI is refused without repeating it."""
    account = parse_uri("smpp://us%40er:p%3Aw@sms.example:2775", "1069")

    assert (account.system_id, account.password, account.port) == ("us@er", "p:w", 2775)
    assert account.name == "smpp:us@er@sms.example:2775"
    for wrong in ("http://a:secret@b:1", "smpp://a:secret@b", "smpp://:secret@"):
        with pytest.raises(InputRejected) as refused:
            parse_uri(wrong, "1069")
        assert "secret" not in str(refused.value)
