"""The words of `/docs`: what each event, field and refusal means. What there is comes from the code; tests hold that
nothing is missing here, and nothing more is told."""

from typing import Final, NamedTuple


class EventType(NamedTuple):
    """`value`, `kinds`, `name`: what these fields hold for this type; empty where the type has no use for them."""

    meaning: str
    value: str = ""
    kinds: tuple[str, ...] = ()
    name: str = ""


EVENTS: Final[dict[str, EventType]] = {
    "page_view": EventType("A page was opened; `url` is its path.", kinds=("reload",)),
    "click": EventType("A click or tap on `target`."),
    "rage_click": EventType("Your page saw many fast clicks on one thing.", "clicks in the burst"),
    "dead_click": EventType("Your page saw that nothing answered a click."),
    "response": EventType(
        "The page visibly answered a click: it changed, moved on, or a request finished.", "wait, ms"
    ),
    "scroll": EventType("The page was scrolled; `dy` is how far, in px.", "how deep, %"),
    "hover": EventType("The pointer rested on `target`.", "how long, ms"),
    "idle": EventType("Nothing was done for a while.", "how long, s"),
    "navigation": EventType("Moved within or between pages.", kinds=("push", "back", "forward", "hash")),
    "error": EventType(
        "Something failed in front of the visitor.", "HTTP status", ("js", "request", "validation", "action")
    ),
    "focus": EventType("A field or the window got the focus."),
    "blur": EventType("A field or the window lost the focus."),
    "input": EventType("A field was changed; never what is in it."),
    "submit": EventType("A form was sent."),
    "copy": EventType("Something was copied; never what."),
    "paste": EventType("Something was pasted; never what."),
    "visibility": EventType("The page was hidden, or shown again.", kinds=("hidden", "visible")),
    "goal": EventType("The visitor achieved something.", name="which goal"),
    "help": EventType(
        "What became of an offer of help.",
        kinds=("shown", "accepted", "dismissed", "snoozed", "expired"),
        name="the offer's `id`",
    ),
    "feedback": EventType("The visitor said whether a mood was right.", "1 or 0", name="the mood"),
    "custom": EventType("Anything else that is worth keeping.", "any number", name="what it is"),
}

EVENT_FIELDS: Final = {
    "type": "One of the types above. Another one is kept, has no effect, and is named in `ignored_types`.",
    "at": "When it happened, in ms on your clock. Left out: when it arrives.",
    "target": "The element: a selector that is the same for every visitor. See Name your elements.",
    "url": "The page's path. Query and fragment are cut off.",
    "value": "A number; the table above says which.",
    "kind": "A word that says more; the table above has those with a meaning.",
    "name": "A name of your own.",
    "x": "Place in the window, px.",
    "y": "Place in the window, px.",
    "dy": "Scrolled by so much, px; up is negative.",
}

READING_FIELDS: Final = {
    "mood": "The mood now: one of the six.",
    "confidence": "0 to 1: of a hundred such readings, so many would be confirmed by the visitor.",
    "suggested_action": "What to do about it. See Actions.",
    "signals": "What raised this mood, strongest first.",
    "event_count": "Events of this session so far.",
    "scores": "A share for each mood; together 1.",
    "because": "Everything that raised or lowered this mood: the points it gave, how many facts stand behind it, and "
    "a sentence for people. The sentences may change; the names in `signal` do not.",
    "since": "When this mood began, ms.",
    "as_of": "The moment that the reading is of, ms.",
    "previous": "The mood before; null at first.",
    "label": "Only where the operator has other words for the moods: the one to show. `mood` stays what it is.",
    "help": "Only while help is due: `id` of the offer, and `holdout`: true means count it, but show nothing.",
    "ended_at": "Only from GET, and only when the visit is over: when it was. The rest is how it ended.",
}

ACTIONS: Final = {
    "frustrated": "Help, now and by a person if you can. `help` in the reading says when the moment is right.",
    "confused": "Point to the way: a hint beside what was looked for, not a popup.",
    "bored": "Offer something else, or less.",
    "curious": "Show more of what is being looked at.",
    "engaged": "Nothing. Do not interrupt. Early in a visit this mood only says that nothing speaks against it yet.",
    "satisfied": "A good moment to ask for feedback.",
}

#: What to do about a refusal, by its code.
ADVICE: Final = {
    "internal": "Try again; if it stays, tell the operator. It is in the log.",
    "bad_request": "Correct the request: `detail` says what is wrong and where.",
    "bad_body": "Correct the field that `detail` names.",
    "bad_event": "Correct the event at `index`. Nothing of the batch was applied.",
    "out_of_order": "Send again from event number `expect`, or declare the missing ones with `lost`.",
    "too_large": "Send less at once.",
    "unsupported_media_type": "Send the header `content-type: application/json`.",
    "head_too_large": "Send shorter headers or a shorter address.",
    "too_late": "Send the whole request sooner, or less at once.",
    "unknown_coding": "Send the body with a `content-length`, or `transfer-encoding: chunked` and nothing else.",
    "not_found": "Check the address and the id. A session exists from its first event on.",
    "method_not_allowed": "Use the method that the `Allow` header names.",
    "bad_key": "Send a key in `x-api-key`. Do not try again with the same one.",
    "revoked": "Use another key. Do not try again with this one.",
    "forbidden": "Use a secret key (`sk_`), from your server.",
    "bad_origin": "Add the page's origin to the key, or use a key for that origin.",
    "bad_token": "Get a new token: your server mints one with `POST /v1/sessions/{id}/token`.",
    "no_hello": "Send `hello` as the first frame, within the time that `detail` says.",
    "wrong_version": "Ask for the subprotocol `sessionmood.v1`, or for none.",
    "rate_limited": "Wait for `Retry-After` (`retry_ms` on a socket), then go on.",
    "over_quota": "Wait for the next month or raise the key's quota. Sessions that are open go on.",
    "overloaded": "Wait for `Retry-After`, then try again.",
    "too_many_connections": "Wait, then connect again; wait longer each time.",
    "storage_unavailable": "Send the same batch again after `Retry-After`. Numbered events count once.",
    "too_slow": "Read what the server sends. Connect again after a pause.",
    "draining": "Connect again at once: another server takes over.",
    "superseded": "Nothing to do: a newer connection of the same page took over.",
}

FRAMES: Final = (
    ("you", "hello", "Comes first, within 5 seconds. With a key in the handshake's headers it may be left out."),
    ("you", "events", "A batch. `seq` is the number of its first event: 1, then on by one for each event. `lost`: how "
     "many before it you had to drop."),
    ("you", "{event}", "An event alone, without `op`, is a batch of one without a number: to try things by hand."),
    ("server", "welcome", "The answer to `hello`. `ack`: the highest event number that is kept; go on from the next one. "
     "Keep `token` for the next connection. `ping`: seconds of silence after which the server asks if you are there."),
    ("server", "ack", "Events up to `seq` are on disk; forget them. With `ignored` come the `ignored_types`."),
    ("server", "mood", "A reading, pushed when the mood or its action changes, or help is due; with `every` in `hello` "
     "after each batch. Drop one whose (`event_count`, `as_of`) is not greater than that of the last."),
    ("server", "nack", "The batch was not taken. With `retry_ms`: send it again after so long. Without: give it up."),
    ("server", "error", "Why the server closes the connection, which follows. See Refusals for what to do."),
    ("server", "drain", "The server is about to stop: connect again after `after_ms`."),
    ("both", "ping", "Answer with `pong`."),
    ("both", "pong", "The answer to `ping`."),
)  # fmt: skip

#: What the fields of answers mean: by name, or by answer and name where it is not the same everywhere.
ANSWER_FIELDS: Final = {
    "accepted": "Events that count now.",
    "duplicates": "Events that had come before; they count once.",
    "ignored": "Events of a type that this server does not know.",
    "ignored_types": "Those types, at most ten: is one mistyped?",
    "ack": "Highest number of this producer's events that is kept; null for events without numbers.",
    "token": "The session token. With a publishable key, send it as `x-session-token` from now on.",
    "epoch": "Names this history of the database. Another one means that it was restored: number your events anew.",
    "Receipt.mood": "The reading after these events.",
    "Session.mood": "The reading now, or how the visit ended.",
    "mood": "The mood when the visitor was last seen; it does not fade.",
    "label": "Only where the operator has other words for the moods: the one to show.",
    "Worst.mood": "From best to worst: satisfied, curious, engaged, bored, confused, frustrated.",
    "sessions": "The sessions, newest activity first.",
    "cursor": "Send it as `cursor`, with the same filters, for the next page; null on the last.",
    "session": "The session's id.",
    "confidence": "How sure that mood was, 0 to 1.",
    "suggested_action": "What that mood suggests.",
    "mood_at": "When the visitor was last seen, ms.",
    "event_count": "Events so far.",
    "Worst.event_count": "Events up to then.",
    "page": "The path of the last page.",
    "Worst.page": "The page on which it was so.",
    "created_at": "When it began, ms.",
    "Key.created_at": "When it was made, ms.",
    "NewKey.created_at": "When it was made, ms.",
    "last_at": "The last event, ms.",
    "active": "Whether the last event is less than five minutes old.",
    "connected": "Whether a socket is open on it now.",
    "ended_at": "When the visit was over, ms; null while it is not.",
    "last": "The mood when the visitor was last seen: `mood`, `confidence`, `suggested_action`, `at`.",
    "moods": "Every mood that the visitor was ever in.",
    "worst": "The worst of them, at its surest.",
    "at": "When, ms.",
    "signals": "What raised it, strongest first.",
    "because": "The reasons, as in a reading; empty for visits from before this was kept.",
    "help": "What came of help; null where none was due.",
    "outcome": "The most that came of any offer. `held_out`: due, but this session is one of those that are shown none; "
    "`unreported`: due, and no `help` event came back.",
    "offers": "Each offer: `id`, `at`, `outcome`, `outcome_at`. The last 20.",
    "changes": "Changes of mood: `at`, `mood`, `previous`, `confidence`, `suggested_action`, `signals`, `event_count`, "
    "`page`.",
    "events": "The events as they were understood: `at` is on the server's clock.",
    "after": "Send it as `after` for the next page; null on the last.",
    "expires_at": "Until when the token is good, ms.",
    "keys": "Every key of the project.",
    "id": "Names the key in lists and when it is revoked; opens nothing.",
    "kind": "Secret or publishable.",
    "name": "Your name for it.",
    "origins": "Pages of these origins may use it; empty: any.",
    "monthly_sessions": "Sessions that it may open in a month; null: no limit.",
    "events_per_second": "Its rate; null: the server's default.",
    "revoked_at": "When it was revoked, ms; null while it is good.",
    "key": "The key itself: this answer is the only one that shows it.",
    "Problem.type": "`urn:sessionmood:` and the code.",
    "title": "The code in words.",
    "status": "The HTTP status.",
    "detail": "What is wrong here, and where.",
    "code": "The code: see Refusals.",
    "retry_ms": "Try again after so long; absent where that does not help.",
}
