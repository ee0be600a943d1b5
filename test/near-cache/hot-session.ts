import { type Cookies, idOf } from './device.js';

/** What a client knows of the session that it uses. */
export interface Membership {
  readonly session: string;

  /** How many ids the session has had before this one. */
  readonly generation: number;

  /** As they were given to whoever got this id from a server. */
  readonly cookies: Cookies;
}

/** A session that several clients use at once. When it ends they go on, together, with a new one. */
export class HotSession {
  private sessions = 0;
  private replacing: Promise<void> | undefined;
  private renewing: Promise<void> | undefined;

  /** What a client that joins now uses. */
  now: Membership = { session: '', generation: 0, cookies: new Map() };

  /** @param start asks for a new session of this name until it gets one: its cookies */
  constructor(
    private readonly name: string,
    private readonly start: (session: string) => Promise<Cookies>,
  ) {}

  get isBeingRenewed(): boolean {
    return this.renewing !== undefined;
  }

  /** @param request the new cookies, or undefined when it failed. Until then nobody decides what an unknown id means */
  async renew(request: Promise<Cookies | undefined>): Promise<void> {
    const done = request.then((cookies) => {
      if (cookies) this.now = { ...this.now, generation: this.now.generation + 1, cookies };
    });
    this.renewing = done;
    await done;
    this.renewing = undefined;
  }

  /** A client was told that there is no session of its id: it takes the new id, or the next session. */
  async rejoin({ cookies }: Membership): Promise<Membership> {
    await this.renewing;
    if (idOf(cookies) === idOf(this.now.cookies)) await (this.replacing ??= this.replace());
    return this.now;
  }

  /** Makes the first session, or the next one. */
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
