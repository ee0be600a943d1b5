import type { ClientAccess } from '../../libs/session/src/store/session-id.js';
import { type ListName, type MarkLists, emptyLists, showLists } from './mark-lists.js';
import type { SessionLedger } from './session-ledger.js';
import type { SessionOperation, SessionReply, SessionRequest } from './session-request.js';
import type { Trace } from './trace.js';

/** A browser with one session, the latest locator, and at most one request at a time. */
export class SimulatedClient {
  locator: string | undefined = undefined;
  shown: MarkLists = emptyLists;

  /** Tells whether the browser has the cookie of the session. */
  hasSession = false;

  /**
   * The last bad news about the session. A client that was told `none` goes on with its old cookie, as a thief with a
   * copy of the cookie could.
   */
  private wasTold: 'nothing' | 'none' | 'lost' | 'superseded' = 'nothing';
  private requests = 0;
  private waitsFor = 0;

  constructor(
    readonly name: string,
    readonly session: SessionLedger,
    /** Its id, as a store knows it. */
    public access: ClientAccess,
    /** Gets a new id with the others. A client that does not goes on with its own, as somebody who has stolen it. */
    readonly sharesCookies: boolean,
    private readonly trace: Trace,
  ) {}

  get key(): string {
    return this.access.key;
  }

  get isWaiting(): boolean {
    return this.waitsFor !== 0;
  }

  /** A browser whose session was lost, or whose id is a former one, has started a new session. */
  get isDone(): boolean {
    return this.wasTold === 'lost' || this.wasTold === 'superseded';
  }

  /** The members that the locator names, primary first. A balancer routes by them. */
  get owners(): string[] {
    return this.locator?.split('.').slice(0, 2) ?? [];
  }

  ask(operation: SessionOperation, lists: readonly ListName[], thinkMs: number): SessionRequest {
    const { session, access, locator, shown } = this;
    this.waitsFor = ++this.requests;
    const mark = `${this.name}:${this.requests}`;
    return { client: this.name, session, access, operation, locator, shown, mark, lists, thinkMs };
  }

  /** The number of the pending request. Answers to earlier requests are too late. */
  get waiting(): number {
    return this.waitsFor;
  }

  giveUp(waiting: number): void {
    if (this.waitsFor !== waiting) return;
    this.trace.add(this.name, () => 'gives up waiting');
    this.waitsFor = 0;
  }

  /** @returns false when the reply comes too late for the client */
  take(waiting: number, { access }: SessionRequest, reply: SessionReply): boolean {
    if (this.waitsFor !== waiting) return false;
    this.waitsFor = 0;
    // Another client of the browser has got a new id meanwhile.
    if (access.proof !== this.access.proof) return false;
    this.trace.add(
      this.name,
      () => `gets ${reply.outcome === 'ok' ? `${showLists(reply.lists)} ${reply.locator}` : JSON.stringify(reply)}`,
    );
    if (reply.outcome === 'none') this.wasTold = reply.isLost ? 'lost' : 'none';
    if (reply.outcome === 'superseded') this.wasTold = 'superseded';
    if (reply.outcome !== 'ok') return true;
    if (this.wasTold === 'none') {
      this.session.violate(
        'noResurrection',
        `${this.name} was told that ${this.session.name} has ended, and now finds it`,
      );
    }
    this.hasSession = true;
    this.checkLocator(reply.locator ?? '');
    this.access = reply.access;
    this.locator = reply.locator;
    this.shown = reply.lists;
    return true;
  }

  /** Gives the same cookie to another client. */
  copyTo(other: SimulatedClient): void {
    other.hasSession = true;
    other.access = this.access;
    other.locator = this.locator;
    other.shown = this.shown;
    if (other.wasTold === 'superseded') other.wasTold = 'nothing';
  }

  private checkLocator(next: string): void {
    if (this.locator === undefined) return;
    const [primary, , counter = ''] = this.locator.split('.');
    const [nextPrimary, , nextCounter = ''] = next.split('.');
    const gain = Number.parseInt(nextCounter, 36) - Number.parseInt(counter, 36);
    if (gain > 0 || (gain === 0 && primary === nextPrimary)) return;
    const message = `${this.name} had the locator ${this.locator} and gets ${next}`;
    this.session.violateWitness(message, { had: this.locator, gets: next });
  }
}
