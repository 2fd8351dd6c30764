"""The service's time, with the machine's clocks as arguments."""

import itertools

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


# Several nodes


async def asked(machine: Machine, clock: Clock, ahead: int, delays: list[int]) -> None:
    """Follow a clock that is `ahead` of the machine's; each answer takes so many ms, all of it on the way back."""
    waits = iter(delays)

    async def reference() -> float:
        at = machine.wall + ahead
        machine.passes(next(waits))
        return at

    await clock.ask(reference)


@pytest.mark.parametrize("skew", [-5_000, 0, 5_000])
async def test_nodes_whose_machines_differ_agree_on_the_time(skew: int) -> None:
    machine = Machine()
    machine.wall += skew
    clock = machine.clock()
    clock()
    await asked(machine, clock, -skew, [40, 20, 2, 4, 90, 7, 9, 30])
    assert abs(clock() - (machine.wall - skew)) <= 1, (
        "the fastest answer counts, and is right to half of its time"
    )
    machine.wall += 7_000  # nobody cares what the machine says later
    said = seconds(machine, clock, 3)
    assert [later - earlier for earlier, later in itertools.pairwise(said)] == [1000, 1000]


async def test_a_followed_clock_that_steps_is_come_to_without_running_back() -> None:
    machine = Machine()
    clock = machine.clock()
    await asked(machine, clock, 0, [0] * 8)
    before = clock()
    await asked(machine, clock, 2_000, [0] * 8)
    assert seconds(machine, clock, 1) == [before + 3_000]
    await asked(machine, clock, 1_900, [0] * 8)
    said = seconds(machine, clock, 30)
    assert said[0] == before + 4_000 - 5
    assert said[-1] == machine.wall + 1_900
    assert all(later > earlier for earlier, later in itertools.pairwise(said))


async def test_a_clock_that_cannot_be_asked_leaves_all_as_it_was() -> None:
    machine = Machine()
    clock = machine.clock()

    async def silent() -> float:
        raise OSError

    with pytest.raises(OSError):
        await clock.ask(silent)
    assert seconds(machine, clock, 1) == [NOW + 1000]
