/** An id as a client carries it. */
export interface CarriedId {
  readonly id: string;

  /** What the client was told with it about where the session is; undefined where it is told nothing. */
  readonly locator: string | undefined;
}

/** What a client presents. */
export interface PresentedId extends CarriedId {
  /** What it says about how much of the session it has seen: see freshness.ts. */
  readonly freshness: string | undefined;
}

/** What the life cycle needs from the transport of one request; HTTP implements it. */
export interface IdExchange {
  /** What the client presented; undefined when it is nothing, or not one of our ids. */
  presented(): PresentedId | undefined;

  /** The head of the response is on its way: no id can be handed out any more. */
  readonly isHeadSent: boolean;
}
