import { type Cookies, idOf } from './device.js';

/** The session, id and cookies that a client uses at the moment. */
export interface Membership {
  readonly session: string;

  /** How many ids the session has had before this one. */
  readonly generation: number;

  /** The cookies of the client that received this id from a server. */
  readonly cookies: Cookies;
}

/** A session that several clients use at once. When it ends they all go on with the same new session. */
export class HotSession {
  private sessions = 0;
  private replacing: Promise<void> | undefined;
  private renewing: Promise<void> | undefined;

  /** The membership that a client gets if it joins now. */
  now: Membership = { session: '', generation: 0, cookies: new Map() };

  /** @param start requests a new session of this name until a server starts it, and returns its cookies */
  constructor(
    private readonly name: string,
    private readonly start: (session: string) => Promise<Cookies>,
  ) {}

  get isBeingRenewed(): boolean {
    return this.renewing !== undefined;
  }

  /** @param request resolves with the new cookies, or with undefined on failure. Until then `rejoin()` waits */
  async renew(request: Promise<Cookies | undefined>): Promise<void> {
    const done = request.then((cookies) => {
      if (cookies) this.now = { ...this.now, generation: this.now.generation + 1, cookies };
    });
    this.renewing = done;
    await done;
    this.renewing = undefined;
  }

  /** Called when a server knows no session of the client's id. The client gets the new id, or the next session. */
  async rejoin({ cookies }: Membership): Promise<Membership> {
    await this.renewing;
    if (idOf(cookies) === idOf(this.now.cookies)) await (this.replacing ??= this.replace());
    return this.now;
  }

  /** Starts the first session or the next one. */
  async replace(): Promise<void> {
    try {
      const session = `${this.name}-${this.sessions + 1}`;
      const cookies = await this.start(session);
      this.sessions++;
      this.now = { session, generation: 0, cookies };
    } finally {
      this.replacing = undefined;
    }
  }
}
