import type { SessionEnds } from '../live/session-ends.js';
import type { LiveSessions } from '../live/live-sessions.js';
import type { StoreDirectory } from '../store/store-directory.js';
import type { StoreGateway } from '../store/store-gateway.js';

/** A server learns within this time that another one has ended all sessions. */
const POLL_MS = 5_000;

/** Ends all sessions at once, and hears of it when another server has done that. One per application. */
export class SessionEpoch {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly gateway: StoreGateway,
    private readonly directory: StoreDirectory,
    private readonly liveSessions: LiveSessions,
    private readonly ends: SessionEnds,
  ) {}

  /** Asks the store now, and every few seconds where other servers share it. */
  async start(): Promise<void> {
    if (!this.directory.hasEpoch) return;
    await this.ask();
    if (this.gateway.isShared) this.timer = setInterval(() => void this.ask(), POLL_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  async begin(): Promise<void> {
    this.endUntil(await this.directory.beginEpoch());
  }

  /** A store that is away is asked again. It gives nobody a session meanwhile. */
  private async ask(): Promise<void> {
    const epoch = await this.directory.readEpoch().catch(() => undefined);
    if (epoch !== undefined) this.endUntil(epoch);
  }

  private endUntil(epoch: number): void {
    if (epoch <= this.gateway.overUntil) return;
    this.gateway.overUntil = epoch;
    this.liveSessions.endUntil(epoch);
    this.ends.allEnded();
  }
}
