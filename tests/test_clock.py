"""The service's time, with the machine's clocks as arguments."""

import pytest

from app.clock import FOLLOWED_MS, RESUMED_MS, Clock

NOW = 1_800_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR


class Machine:
    """A machine whose clock may be set, and which may sleep."""

    def __init__(self) -> None:
        self.wall, self.steady, self.slept = NOW, 5_000, 0

    def passes(self, ms: int) -> None:
        self.wall += ms
        self.steady += ms

    def sleeps(self, ms: int) -> None:
        self.wall += ms
        self.slept += ms

    def clock(self) -> Clock:
        return Clock(
            lambda: self.wall * 1_000_000,
            lambda: self.steady * 1_000_000,
            lambda: (self.steady + self.slept) * 1_000_000,
        )


def seconds(machine: Machine, clock: Clock, count: int) -> list[int]:
    """What the clock says each second."""
    said = []
    for _ in range(count):
        machine.passes(1000)
        clock.look()
        said.append(clock())
    return said


def test_it_is_the_machines_while_nobody_sets_that() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock() == NOW
    assert seconds(machine, clock, 3) == [NOW + 1000, NOW + 2000, NOW + 3000]
    assert (clock.steps, clock.ahead_ms, clock.trusted) == (0, 0, True)


@pytest.mark.parametrize("back", [5_000, HOUR, 400 * DAY])
def test_a_clock_that_is_set_back_stops_nothing(back: int, caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    clock = machine.clock()
    seconds(machine, clock, 3)
    before = clock()
    machine.wall -= back
    said = seconds(machine, clock, 100)
    gaps = [later - earlier for earlier, later in zip([before, *said], said, strict=False)]
    assert all(990 <= gap <= 1000 for gap in gaps)
    assert clock.steps == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "was set back" in caplog.text
    if back == 5_000:
        seconds(machine, clock, 1_000)
        assert clock() == machine.wall  # worked off


def test_it_never_runs_back_also_while_something_is_worked_off() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall -= HOUR
    said = [clock()]
    for _ in range(50):
        clock.look()
        machine.passes(1)
        said.append(clock())
    assert said == sorted(said)


@pytest.mark.parametrize("ahead", [2_000, FOLLOWED_MS])
def test_a_short_way_ahead_is_followed(ahead: int, caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += ahead
    seconds(machine, clock, 2)
    assert (clock(), clock.steps, clock.trusted) == (machine.wall, 1, True)
    assert "went ahead" in caplog.text


@pytest.mark.parametrize("ahead", [2 * HOUR, 70 * DAY, 100 * DAY])
def test_a_long_way_ahead_is_not(ahead: int, caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += ahead
    seconds(machine, clock, 10)
    assert (clock(), clock.steps, clock.trusted) == (machine.wall - ahead, 1, False)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    machine.wall -= ahead
    seconds(machine, clock, 1)
    assert (clock(), clock.trusted) == (machine.wall, True)


def test_after_a_sleep_it_is_as_late_as_it_is() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.sleeps(9 * HOUR)
    seconds(machine, clock, 1)
    assert clock() == machine.wall


def test_a_start_goes_on_from_what_is_kept() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.resume(NOW + HOUR)
    assert clock() == NOW + HOUR
    seconds(machine, clock, 1)
    assert (clock(), clock.steps) == (NOW + HOUR + 995, 0)
    fresh = machine.clock()
    for newest in (None, NOW - DAY):
        fresh.resume(newest)
        assert fresh() == machine.wall


def test_a_start_in_the_past_follows_when_the_clock_is_set_right() -> None:
    """A machine without a battery begins in 1970, and hears of the time a little later."""
    machine = Machine()
    machine.wall = 60_000
    clock = machine.clock()
    clock.resume(NOW)
    assert clock() == 60_000
    machine.wall = NOW + 2 * RESUMED_MS
    seconds(machine, clock, 1)
    assert (clock(), clock.trusted) == (machine.wall, True)
