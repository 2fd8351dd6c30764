from app.auth.limits import TokenBucket


def test_a_burst_then_the_rate() -> None:
    bucket = TokenBucket(rate=10, burst=20)
    assert [bucket.take(10, 0) for _ in range(2)] == [0, 0]
    assert bucket.take(1, 0) == 100
    assert bucket.take(1, 99) == 1
    assert bucket.take(1, 100) == 0


def test_time_that_runs_backwards_gives_nothing() -> None:
    bucket = TokenBucket(rate=10, burst=1)
    assert bucket.take(1, 1000) == 0
    assert bucket.take(1, 0) > 0
    assert bucket.take(1, 1099) > 0


def test_more_than_the_burst_is_let_through_once_and_paid_for() -> None:
    bucket = TokenBucket(rate=10, burst=10)
    assert bucket.take(30, 0) == 0
    assert bucket.take(10, 1000) > 0
    assert bucket.take(10, 3000) == 0


def test_a_charge_is_owed_and_paid_in_time() -> None:
    bucket = TokenBucket(rate=10, burst=20)
    assert bucket.charge(20, 0) == 0
    assert bucket.charge(5, 0) == 500
    assert bucket.charge(0, 400) == 100
    assert bucket.charge(0, 500) == 0


def test_no_more_than_a_burst_is_owed() -> None:
    bucket = TokenBucket(rate=10, burst=20)
    for _ in range(10):
        bucket.charge(20, 0)
    assert bucket.charge(0, 0) == 2000
