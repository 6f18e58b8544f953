"""A journal for the tests that ask for one."""

import pytest
from journal_kit import Box


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path / "box.sqlite")


@pytest.fixture
def journal(box):
    opened = box.open()
    yield opened
    opened.close()
