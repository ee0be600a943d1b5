/** A connection whose other end has not proved who it is within this time is closed, in ms. */
export const UNPROVEN_MS = 5_000;

/** Before that proof a frame may not be larger than this, in bytes. */
export const UNPROVEN_BYTES = 1_024;

/** The most connections that a member accepts. */
export const MAX_CONNECTIONS = 1_000;

/** Calls of one connection that are answered at a time. The others wait in the network. */
export const MAX_CALLS = 1_000;

/**
 * The accepting end closes a connection that carried nothing for this long, in ms. Members send heartbeats far more
 * often.
 */
export const IDLE_MS = 60_000;

/**
 * After this time in ms an attempt to connect is given up, and a connection on which calls are not answered is made
 * anew.
 */
export const SILENCE_MS = 2_000;

/** After a member has turned this one away, the next attempt waits for this long, in ms. */
export const REJECTED_MS = 1_000;

/** On the wire a message may be larger than its text by its seal and its id, in bytes. */
export const ENVELOPE_BYTES = 512;

/** A connection whose other end does not read is ended when this many of the largest messages wait to be sent. */
export const MAX_UNREAD_MESSAGES = 4;
