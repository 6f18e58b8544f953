"""The menu, its pages, its settings and the self-test, step by step (issue 5)."""

import flow_kit as kit
import pytest
from flow_kit import Play, asked, failed, informed, to_entry

from appliance.keypad.entry import Agree, AgreeHeld, Digit, Full, KeyFault, Next, Previous, Probed, Refuse, Validate
from appliance.screen.facts import page_count
from appliance.screen.fr import WORDS
from appliance.screen.kinds_menu import Report
from appliance.vault import box as b
from appliance.vault import flow_menu, flow_selftest, lamps
from appliance.vault.box import Ending, Errand, Probe, State, Topic
from appliance.vault.settings import OPTIONS, Setting, Settings

NO_CARD = (*kit.ATTACHED, AgreeHeld())
ON_MENU = [(state, steps) for state in State if state in b.ON_MENU for steps in kit.WALKS[state].values()]


def names(play):
    return [item.name for item in flow_menu.items(play.box)]


# --- menu -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps",
    [kit.READY, kit.ATTACHED, (b.ReaderLost("reader-absent"),), kit.PATIENT, (*kit.INSERTED, failed("card-mute"))],
)
def test_the_menu_opens_on_every_home(steps):
    play = Play(*steps)
    assert play.feed(AgreeHeld()).box.state is State.MENU
    assert play.effects == ()


@pytest.mark.parametrize("steps", [(), kit.INSERTED, kit.CONSENT, kit.PIN, (*kit.CONSENT, Refuse()), kit.SIGNING])
def test_the_menu_opens_nowhere_else(steps):
    play = Play(*steps)
    before = play.box
    assert play.feed(AgreeHeld()).box is before


@pytest.mark.parametrize("fault", [b.DisplayChanged(ok=False), KeyFault()])
def test_the_menu_needs_display_and_keypad(fault):
    assert Play(*kit.READY, fault, AgreeHeld()).box.state is State.READY


@pytest.mark.parametrize("fault", [b.DisplayChanged(ok=False), KeyFault()])
@pytest.mark.parametrize(("state", "steps"), ON_MENU)
def test_a_fault_of_display_or_keypad_closes_all_of_it(state, steps, fault):
    play = Play(*steps)
    assert play.box.state is state
    play.feed(fault)
    assert play.box.state not in b.ON_MENU
    assert play.of(b.Publish) != []


def test_without_a_card_nothing_is_offered_that_needs_one():
    here, away = Play(*kit.MENU), Play(*NO_CARD)
    assert set(names(here)) - set(names(away)) == {"change", "unblock", "door", "card"}
    assert names(here)[:2] == ["change", "unblock"]
    assert "unblock" not in names(Play(*kit.INSERTED, kit.identified(puk=False), AgreeHeld()))
    assert "door" not in names(Play(*kit.MENU, door=None))


def test_the_menu_stops_at_its_ends():
    play = Play(*kit.MENU, *(Next(),) * 40)
    assert names(play)[play.box.page - 1] == "about"
    play.feed(*(Previous(),) * 40)
    assert play.box.page == 1
    assert play.feed(Validate()).box.errand is Errand.CHANGE


def test_the_menu_closes_by_d_by_time_and_by_the_card():
    assert Play(*kit.MENU, Refuse()).box.state is State.READY
    assert Play(*NO_CARD, Refuse()).box.state is State.EMPTY
    play = Play(*kit.MENU).feed(Next(), after=29)
    assert play.box.state is State.MENU
    assert play.elapse().now == 59
    assert play.box.state is State.READY
    assert Play(*kit.MENU, b.CardRemoved()).box.ending is Ending.REMOVED
    assert Play(*kit.MENU, b.ReaderLost("reader-absent")).box.state is State.NO_READER


@pytest.mark.parametrize(("state", "steps"), ON_MENU)
def test_no_software_comes_between_a_person_and_the_menu(state, steps):
    play = Play(*steps)
    before = play.box
    play.feed(asked(number=7))
    assert play.box is before
    (busy,) = play.of(b.Busy)
    assert (busy.ask.id, busy.open_id) == (asked(number=7).ask.id, None)


@pytest.mark.parametrize(("state", "steps"), [case for case in ON_MENU if case[0] is not State.MENU])
def test_a_card_that_comes_or_goes_closes_what_the_menu_opened(state, steps):
    play = Play(*steps, b.CardRemoved(), Validate(), b.CardInserted("insertion-7", "cps3"))
    assert play.box.state is State.READING
    assert (play.box.facts, play.box.selftest, play.box.topic, play.box.setting) == (None, None, None, None)


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", [topic for topic in Topic if topic is not Topic.SELFTEST])
def test_a_page_is_asked_for_and_filled(topic):
    play = Play(*to_entry(topic.value))
    assert play.effects == (b.Inform(play.box.ticket, topic),)
    assert (play.box.state, play.box.topic, play.box.facts) == (State.PAGE, topic, None)
    assert play.feed(Next()).box.page == 1  # there is nothing to turn yet
    play.feed(informed())
    assert play.box.facts is kit.ABOUT
    assert play.effects == ()


def test_pages_turn_as_far_as_there_are_some():
    play = Play(*to_entry("about"), informed())
    last = page_count(kit.ABOUT, WORDS)
    assert last > 2
    assert play.feed(*(Next(),) * 20).box.page == last
    assert play.feed(*(Previous(),) * 20).box.page == 1


def test_late_facts_say_nothing():
    play = Play(*to_entry("about"))
    late = b.Informed(play.box.ticket, kit.ABOUT)
    play.feed(Refuse(), Agree())  # opened once more: another question
    before = play.box
    assert play.feed(late).box is before
    home = Play(*to_entry("about")).feed(Refuse(), Refuse())
    before = home.box
    assert home.feed(b.Informed(home.box.ticket, kit.ABOUT)).box is before


def test_d_on_a_page_leads_back_to_its_entry_and_time_leads_home():
    play = Play(*to_entry("network"), informed(), Refuse())
    assert play.box.state is State.MENU
    assert names(play)[play.box.page - 1] == "network"
    play = Play(*to_entry("network"), informed())
    play.elapse()
    assert play.box.state is State.READY


def test_a_page_that_is_read_stays():
    play = Play(*to_entry("about"), informed())
    for _ in range(5):
        play.feed(Next(), after=29.0)
    assert play.box.state is State.PAGE


def test_the_menu_shrinks_when_what_it_stood_at_is_gone():
    play = Play(*to_entry("about"))
    play.feed(b.Judged("insertion-1", "good", test=True, barred=None))
    assert play.feed(Refuse()).box.page == len(names(play))


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", Setting)
def test_every_option_can_be_chosen_is_used_at_once_and_kept(setting):
    for place, option in enumerate(OPTIONS[setting], start=1):
        play = Play(*to_entry(setting.value))
        at = play.box.page
        assert OPTIONS[setting][at - 1] == Settings().value(setting)  # it opens at the one in use
        play.feed(*(Next() if place > at else Previous(),) * abs(place - at), Agree())
        assert play.effects == (b.Keep(setting.value, option),)
        assert play.box.settings.value(setting) == option
        assert play.box.state is State.MENU
        assert names(play)[play.box.page - 1] == setting.value


def test_d_on_a_list_chooses_nothing():
    play = Play(*to_entry("language"), Next(), Refuse())
    assert play.box.settings == Settings()
    assert play.effects == ()


def test_settings_survive_whatever_happens_to_the_card():
    play = Play(*to_entry("language"), Next(), Agree(), b.CardRemoved(), b.ReaderLost("reader-absent"))
    assert play.box.settings.language == "en"


@pytest.mark.parametrize("kept", ["", "xx", "5", "0", "ON", "français"])
def test_what_is_kept_and_no_option_counts_as_never_kept(kept):
    for setting in Setting:
        assert Settings().at(setting, kept) == Settings()
        assert Settings().at(setting, None) == Settings()


def test_an_option_is_only_an_option_of_its_own_setting():
    assert Settings().at(Setting.CONTRAST, "fr") == Settings()
    assert Settings().at(Setting.CONTRAST, "4") == Settings(contrast=4)
    assert Settings().at(Setting.SOUND, "off") == Settings(sound=False)
    assert Settings().at(Setting.LANGUAGE, "en") == Settings(language="en")


# --- self-test --------------------------------------------------------------------------------------------------------

BEGUN = to_entry("selftest")


def test_the_steps_come_in_order_and_no_relay_moves():
    play, met, effects = Play(*BEGUN), [], []
    while not flow_selftest.watches(play.box):
        met.append(play.box.selftest.probe)
        effects += play.feed(Agree()).effects
    assert [*met, Probe.KEYS] == list(Probe)
    assert effects == []


def test_the_led_is_steady_in_the_colour_that_is_asked_for():
    play, seen = Play(*BEGUN), {}
    while not flow_selftest.watches(play.box):
        probe = play.box.selftest.probe
        seen[probe] = lamps.lamp(play.box)
        play.feed(Agree())
    colours = {Probe.RED: lamps.RED, Probe.GREEN: lamps.GREEN, Probe.BLUE: lamps.BLUE, Probe.WHITE: lamps.WHITE}
    assert {probe: seen[probe].colour for probe in colours} == colours
    assert all(seen[probe].beats == () for probe in colours)
    assert all(seen[probe].beats for probe in seen if probe not in colours)


def test_a_silent_box_has_no_tone_to_hear():
    play = Play(*to_entry("sound"), Next(), Agree())
    assert not play.box.settings.sound
    play.feed(*(Next(),), Agree())  # the next entry is the self-test
    met = []
    while not flow_selftest.watches(play.box):
        met.append(play.box.selftest.probe)
        play.feed(Agree())
    assert Probe.TONE not in met
    play.feed(Refuse(), informed(kit.CHECKS))
    assert dict(play.box.facts.rows)["sound"] == "skipped"


def test_keys_are_only_keys_while_they_are_tested():
    play = Play(*kit.PROBING)
    for key in (Agree(), Next(), Validate(), Full(), Digit(), Previous()):
        before = play.box.selftest
        assert play.feed(key).box.selftest == before
    play.feed(Probed(4), Probed(4), Probed(15))
    assert play.box.selftest.seen == {4, 15}
    assert play.box.state is State.SELFTEST


def test_the_sixteenth_key_brings_the_report():
    play = Play(*kit.PROBING, *(Probed(place) for place in range(16)))
    assert play.effects == (b.Inform(play.box.ticket, Topic.SELFTEST),)
    assert not flow_selftest.watches(play.box)
    play.feed(informed(kit.CHECKS))
    rows = dict(play.box.facts.rows)
    assert rows == {
        **dict.fromkeys(("display", "led", "sound", "keys", "reader", "card", "clock"), "ok"),
        "link": "fault",
    }
    assert (play.box.facts.keys, play.box.facts.memory) == (16, "locked")


@pytest.mark.parametrize(("step", "part"), [(1, "display"), (2, "display"), (3, "led"), (6, "led"), (7, "sound")])
def test_what_was_not_so_is_a_fault_of_its_part_alone(step, part):
    answers = [Next() if place == step else Agree() for place in range(8)]
    play = Play(*BEGUN, *answers, *(Probed(place) for place in range(16)), informed(kit.CHECKS))
    assert [name for name, verdict in play.box.facts.rows if verdict == "fault"] == [part, "link"]


def test_the_intro_judges_nothing():
    play = Play(*BEGUN, Next())
    assert play.box.selftest.bad == frozenset()
    assert play.box.selftest.probe is Probe.LIT


@pytest.mark.parametrize("end", ["d", "time"])
def test_keys_that_nobody_presses_are_a_fault(end):
    play = Play(*kit.PROBING, Probed(1))
    play = play.feed(Refuse()) if end == "d" else play.elapse()
    assert play.box.state is State.PAGE
    play.feed(informed(b.Checks(clock=False, memory="memfd_secret")))
    facts = play.box.facts
    assert isinstance(facts, Report)
    assert (dict(facts.rows)["keys"], dict(facts.rows)["clock"], facts.keys) == ("fault", "fault", 1)


def test_before_the_keys_d_leads_to_the_menu_and_time_home():
    play = Play(*BEGUN, Agree(), Refuse())
    assert names(play)[play.box.page - 1] == "selftest"
    play = Play(*BEGUN, Agree())
    play.elapse()
    assert play.box.state is State.READY


def test_b_keeps_a_tone_on_the_display_for_as_long_as_it_is_heard():
    play = Play(*BEGUN, *(Agree(),) * 7)
    assert play.box.selftest.probe is Probe.TONE
    play.feed(Previous(), after=29.0).feed(Previous(), after=29.0)
    assert play.box.selftest.probe is Probe.TONE


def test_a_key_of_the_test_that_comes_late_means_nothing():
    play = Play(*BEGUN)
    before = play.box
    assert play.feed(Probed(3)).box is before


def test_without_reader_or_card_the_report_says_so():
    play = Play(b.ReaderLost("reader-absent"), AgreeHeld())
    play.feed(*(Next(),) * names(play).index("selftest"), *(Agree(),) * 9, Refuse(), informed(kit.CHECKS))
    rows = dict(play.box.facts.rows)
    assert (rows["reader"], rows["card"]) == ("fault", "absent")
    unread = Play(*kit.INSERTED, failed("card-mute"), AgreeHeld())
    unread.feed(*(Next(),) * names(unread).index("selftest"), *(Agree(),) * 9, Refuse(), informed(kit.CHECKS))
    assert dict(unread.box.facts.rows)["card"] == "fault"


def test_what_stands_only_in_its_own_state_says_so_elsewhere():
    home = Play(*kit.READY).box
    for row in (flow_selftest.testing, flow_menu.setting_of):
        with pytest.raises(AssertionError):
            row(home)
