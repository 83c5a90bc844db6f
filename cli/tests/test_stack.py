"""The stack that tests run on."""

import smtplib
from email.message import EmailMessage

import pytest

from pravah_cli.local.kafka import serves
from pravah_cli.testing import Stack, wait_until
from pravah_cli.testing.stack import choose
from pravah_shared.errors import ConfigurationError

GIVEN = {"PRAVAH_KAFKA_BOOTSTRAP": "k:1", "PRAVAH_MONGO_URI": "mongodb://m:1"}


@pytest.mark.stack
def test_broker_of_the_stack_answers(stack: Stack) -> None:
    """The address is that of a broker which has joined its cluster."""
    host, _, port = stack.kafka_bootstrap.partition(":")
    assert serves(int(port), host)


@pytest.mark.stack
def test_mail_sent_is_kept_as_it_was(stack: Stack) -> None:
    """What SMTP said 250 to is in the box, byte for byte readable."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "pravah@example", "meera@learners.example"
    mail["Subject"] = "प्रमाणपत्र"
    mail.set_content("नमस्ते मीरा")
    with smtplib.SMTP(stack.smtp_host, stack.smtp_port) as client:
        client.send_message(mail)
    [kept] = stack.mail_box.to("meera@learners.example")
    assert kept.subject == "प्रमाणपत्र"
    assert stack.mail_box.read(kept).get_content().strip() == "नमस्ते मीरा"


def test_given_addresses_win_over_all() -> None:
    """Whoever names a broker and a store gets these."""
    assert choose(GIVEN) == "given"


def test_a_wish_wins_over_given_addresses() -> None:
    """PRAVAH_TEST_STACK=local starts parts even where addresses are set."""
    assert choose({**GIVEN, "PRAVAH_TEST_STACK": "local"}) == "local"


def test_an_unknown_wish_is_refused_by_name() -> None:
    """A misspelt wish must not silently test something else."""
    with pytest.raises(ConfigurationError, match="'docker'"):
        choose({"PRAVAH_TEST_STACK": "docker"})


def test_waiting_says_what_did_not_come() -> None:
    """A deadline names what was waited for."""
    with pytest.raises(TimeoutError, match="the moon: not within 0 s"):
        wait_until(lambda: False, 0, "the moon")
