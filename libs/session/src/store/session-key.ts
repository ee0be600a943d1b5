/**
 * How a store names a session: SHA-256 of the session id in base64url (43 characters). The id itself is a credential and
 * never reaches a store, so a dump of the store holds nothing a client could present.
 */
export type SessionKey = string;
