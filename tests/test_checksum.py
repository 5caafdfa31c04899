"""The fingerprint of a file is the SHA-256 that every other tool prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgerund.checksum import file_sha256


def test_it_is_what_sha256sum_prints(tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert file_sha256(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_files_larger_than_one_piece_are_read_to_the_end(tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_bytes(b"a" * 1_000_000)  # FIPS 180-2, appendix B.3
    assert file_sha256(file) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    file.write_bytes(bytes(3 * 1024 * 1024) + b"x")
    before = file_sha256(file)
    file.write_bytes(bytes(3 * 1024 * 1024) + b"y")
    assert file_sha256(file) != before


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_sha256(tmp_path / "absent")
