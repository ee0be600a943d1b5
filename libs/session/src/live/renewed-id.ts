/** The id that a client presented was replaced a short while ago: the request is late, and the client has the new id, or is about to. */
export class RenewedId extends Error {}
