/** What the life cycle needs from the transport of one request; HTTP implements it. */
export interface SessionExchange {
  /** The id the client presented and the route behind it; undefined when there is none or it is not one of ours. */
  presented(): { readonly id: string; readonly route: string | undefined } | undefined;

  /** Gives the client an id, with the first byte of the response. */
  handOut(id: string): void;

  /** The head of the response is on its way: no id can be handed out any more. */
  readonly isHeadSent: boolean;
}
