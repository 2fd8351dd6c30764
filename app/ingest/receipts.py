"""What became of a batch, and when it can't be lost any more."""

import asyncio

import msgspec

from app.sessions.outcome import Outcome, merged_types


class Receipt(msgspec.Struct, gc=False):
    """What became of a batch. `durable` is done once it can't be lost any more."""

    outcome: Outcome
    durable: "asyncio.Future[None]"


def together(receipts: list[Receipt]) -> Receipt:
    """What became of a batch that was folded in parts."""
    outcome = receipts[-1].outcome
    for receipt in receipts[:-1]:
        outcome.accepted += receipt.outcome.accepted
        outcome.duplicates += receipt.outcome.duplicates
        outcome.ignored += receipt.outcome.ignored
        outcome.ignored_types = merged_types(receipt.outcome.ignored_types, outcome.ignored_types)
    durable = asyncio.ensure_future(_all_of([receipt.durable for receipt in receipts]))
    durable.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody need look at it
    return Receipt(outcome, durable)


async def _all_of(parts: "list[asyncio.Future[None]]") -> None:
    for part in parts:
        await part
