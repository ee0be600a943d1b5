/** Lets the two ends of a connection prove to each other who they are. */
export interface Credentials {
  /**
   * The part of the calling end, once for each connection, before any call.
   * @param to name of the member that should be at the other end
   * @throws PeerRefusedError when it is another; whatever `exchange` throws
   */
  introduce(to: string, exchange: (text: string) => Promise<string>): Promise<CallingChannel>;

  /**
   * The part of the receiving end, once for each connection.
   * @param isCertified whether the caller's certificate has that name; always true without certificates
   */
  expect(isCertified: (name: string) => boolean): ExpectedIntroduction;
}

export interface ExpectedIntroduction {
  /**
   * @throws PeerRefusedError at the first text that does not belong there: the connection is then closed without an
   * answer
   */
  step(text: string): IntroductionStep;
}

export interface IntroductionStep {
  readonly answer: string;
  /** Present when the caller has proved who it is. */
  readonly introduced?: { readonly caller: string; readonly channel: ReceivingChannel };
}

export interface CallingChannel {
  /** `open` takes the answer to this very call. @throws PeerRefusedError when it is not authentic */
  seal(text: string): { readonly text: string; readonly open: (answer: string) => string };
}

export interface ReceivingChannel {
  /**
   * `seal` makes the answer to this very call. @throws PeerRefusedError when the text is not authentic, or came before
   */
  open(sealed: string): { readonly text: string; readonly seal: (answer: string) => string };
}

/**
 * One end of a connection does not accept the other: wrong certificate, wrong secret, or a text that is not authentic.
 */
export class PeerRefusedError extends Error {
  override readonly name = 'PeerRefusedError';
}
