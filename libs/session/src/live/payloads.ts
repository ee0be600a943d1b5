/** Payload per part: what a session looks like at one moment. Never changed in place. */
export type Payloads = ReadonlyMap<string, string>;
