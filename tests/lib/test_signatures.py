"""Secrets, signatures, refs."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.lib import signatures
from receiver.lib.signatures import Secret

KEY = b"k" * 32


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"


def test_any_one_of_the_secrets_matches() -> None:
    assert signatures.matches("new", [Secret("new"), Secret("old")])
    assert signatures.matches("old", [Secret("new"), Secret("old")])
    assert not signatures.matches("other", [Secret("new"), Secret("old")])


def test_an_empty_secret_never_matches() -> None:
    assert not signatures.matches("", [Secret("")])
    assert not signatures.matches("", [])


def test_every_secret_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(given: bytes, wanted: bytes) -> bool:
        compared.append(wanted)
        return hmac.compare_digest(given, wanted)

    class Spy:
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(signatures, "hmac", Spy)
    assert signatures.matches("first", [Secret("first"), Secret("second")])
    assert compared == [b"first", b"second"]


@given(st.text(), st.text(min_size=1))
def test_any_text_can_be_compared(given_text: str, secret: str) -> None:
    surrogates = any("\ud800" <= letter <= "\udfff" for letter in given_text + secret)
    if not surrogates:
        assert signatures.matches(given_text, [Secret(secret)]) is (given_text == secret)


@pytest.mark.parametrize("form", ["{}", "sha256={}", " sha256={} "])
def test_a_hex_signature_may_have_its_prefix_or_not(form: str) -> None:
    mac = hmac.new(KEY, b"body", hashlib.sha256).hexdigest()
    assert signatures.hex_signature_matches(form.format(mac), [b"other", KEY], b"body")
    assert not signatures.hex_signature_matches(form.format(mac), [KEY], b"another body")


@given(st.text())
def test_no_signature_text_breaks_the_check(text: str) -> None:
    assert not signatures.hex_signature_matches(text, [KEY], b"body")


def test_a_standard_webhooks_signature_is_that_of_the_specification() -> None:
    key = signatures.standard_webhook_key(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    signature = signatures.standard_webhook_signature(
        key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.integers(0, (1 << 63) - 1))
def test_a_ref_names_its_job(job: int) -> None:
    assert signatures.job_of_ref(KEY, "journey", signatures.ref_of(KEY, "journey", job)) == job


@given(st.integers(0, (1 << 63) - 1), st.integers(0, 38), st.sampled_from("0123456789abcdefghjkmnpqrstvwxyz"))
def test_a_ref_with_one_letter_changed_is_none_of_ours(job: int, place: int, letter: str) -> None:
    ref = signatures.ref_of(KEY, "journey", job)
    changed = ref[:place] + letter + ref[place + 1 :]
    assert (signatures.job_of_ref(KEY, "journey", changed) == job) is (changed == ref)


def test_a_ref_is_good_at_its_own_source_and_key_only() -> None:
    ref = signatures.ref_of(KEY, "journey", 7)
    assert signatures.job_of_ref(KEY, "other", ref) is None
    assert signatures.job_of_ref(b"x" * 32, "journey", ref) is None


@given(st.text())
def test_no_text_in_a_path_breaks_the_check(text: str) -> None:
    assert signatures.job_of_ref(KEY, "journey", text) is None


def test_a_ref_fits_into_a_path() -> None:
    ref = signatures.ref_of(KEY, "journey", 123)
    assert len(ref) == 39
    assert ref.isalnum()
