/** A connection whose other end has not proved who it is within this time is closed, in ms. */
export const UNPROVEN_MS = 5_000;

/** Until then it may not send more than this at once. */
export const UNPROVEN_BYTES = 1_024;

/** Connections that a member accepts. */
export const MAX_CONNECTIONS = 1_000;

/** Calls of one connection that are answered at a time; the others wait in the network. */
export const MAX_CALLS = 1_000;

/** A connection that carried nothing for this long is closed by who accepted it, in ms. Members send heartbeats far more often. */
export const IDLE_MS = 60_000;

/** An attempt to connect is given up, and a connection on which calls are not answered is made anew, after this time in ms. */
export const SILENCE_MS = 2_000;

/** After a member turned this one away the next attempt waits, in ms. */
export const REJECTED_MS = 1_000;

/** What a message may be larger on the wire than its text: its seal and its id, in bytes. */
export const ENVELOPE_BYTES = 512;

/** A connection whose other end does not read what is sent to it is ended when this many of the largest messages wait. */
export const MAX_UNREAD_MESSAGES = 4;
