/** An id as a client carries it. */
export interface CarriedId {
  readonly id: string;

  /** What the client was told with it about where the session is; undefined where it is told nothing. */
  readonly locator: string | undefined;
}

/** What the life cycle needs from the transport of one request; HTTP implements it. */
export interface SessionExchange {
  /** What the client presented; undefined when it is nothing, or not one of our ids. */
  presented(): CarriedId | undefined;

  /** The head of the response is on its way: no id can be handed out any more. */
  readonly isHeadSent: boolean;
}
