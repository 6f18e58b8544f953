"""The baked glyphs: the font's, each unlike every other."""

from importlib.resources import files

import bake_atlas
import pytest

from appliance.screen.atlas import BIG, CHARACTERS, LARGE, SMALL


@pytest.mark.parametrize(("size", "cell"), [(SMALL, (6, 12)), (LARGE, (8, 16))])
def test_every_character_has_a_whole_cell(size, cell):
    assert set(size.normal) == set(size.reverse) == CHARACTERS
    assert {image.size for image in (*size.normal.values(), *size.reverse.values())} == {cell}
    assert {image.mode for image in (*size.normal.values(), *size.reverse.values())} == {"1"}


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_no_two_characters_share_their_pixels(size):
    pixels = [image.convert("L").tobytes() for video in (size.normal, size.reverse) for image in video.values()]
    assert len(set(pixels)) == 2 * len(CHARACTERS)


def test_the_digits_of_a_clock_are_large_and_alone():
    assert set(BIG.normal) == set(BIG.reverse) == set("0123456789:-")
    assert {image.size for image in (*BIG.normal.values(), *BIG.reverse.values())} == {(12, 24)}
    pixels = [image.tobytes() for video in (BIG.normal, BIG.reverse) for image in video.values()]
    assert len(set(pixels)) == 24
    for digit in "0123456789":
        _, upper, _, lower = BIG.normal[digit].getbbox()
        assert lower - upper >= 15


def test_french_and_english_can_be_written():
    """Letters with every accent of French, its typography, and what a measure takes."""
    assert set("éèêëàâäçîïôöùûüœæÉÈÊÀÂÇÎÔÛŒÆ«»€’–…°²") <= CHARACTERS  # noqa: RUF001 - French typography
    assert set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?'\"()/-+%") <= CHARACTERS


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_only_the_space_is_blank(size):
    assert [character for character, image in size.normal.items() if image.getbbox() is None] == [" "]


def test_baked_from_the_font():
    if not (bake_atlas.SYSTEM_FONTS / bake_atlas.CUTS[0][0]).exists():
        pytest.skip("Terminus font not installed")
    assert bake_atlas.main(["--check"]) == 0


def test_a_changed_atlas_is_seen(tmp_path, monkeypatch):
    if not (bake_atlas.SYSTEM_FONTS / bake_atlas.CUTS[0][0]).exists():
        pytest.skip("Terminus font not installed")
    changed = tmp_path / "glyphs.txt"
    changed.write_text(bake_atlas.ATLAS.read_text(encoding="utf-8").replace("0041 00", "0041 01"), encoding="utf-8")
    monkeypatch.setattr(bake_atlas, "ATLAS", changed)
    assert bake_atlas.main(["--check"]) == 1


def test_the_licence_travels_with_the_glyphs():
    licence = files("appliance.screen").joinpath("OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert "Dimitar Toshkov Zhekov" in licence
