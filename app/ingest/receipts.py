"""What became of a batch, and when it can't be lost any more."""

import asyncio
import dataclasses

import msgspec

from app.sessions.outcome import Outcome, merged_types


class Receipt(msgspec.Struct, gc=False):
    """What became of a batch. `durable` is done once it can't be lost any more. `again`: it was folded once more, since
    another node had gone on with the session; `outcome` is that of the last time."""

    outcome: Outcome
    durable: "asyncio.Future[None]"
    again: bool = False


def together(receipts: list[Receipt]) -> Receipt:
    """What became of a batch that was folded in parts."""
    whole = Receipt(_sum(receipts), receipts[-1].durable)
    whole.durable = asyncio.ensure_future(_all_of(receipts, whole))
    whole.durable.add_done_callback(
        lambda done: done.cancelled() or done.exception()
    )  # nobody need look at it
    return whole


def _sum(receipts: list[Receipt]) -> Outcome:
    outcome = dataclasses.replace(receipts[-1].outcome)
    for receipt in receipts[:-1]:
        outcome.accepted += receipt.outcome.accepted
        outcome.duplicates += receipt.outcome.duplicates
        outcome.ignored += receipt.outcome.ignored
        outcome.ignored_types = merged_types(receipt.outcome.ignored_types, outcome.ignored_types)
    return outcome


async def _all_of(parts: list[Receipt], whole: Receipt) -> None:
    for part in parts:
        await part.durable
    if any(part.again for part in parts):
        whole.outcome = _sum(parts)
        whole.again = True
