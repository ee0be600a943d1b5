import { ownText, type SessionKey } from 'nestjs-session-beans/store-kit';
import { type BegunEpoch, type Epoch, outranks, sameEpoch } from './epoch.js';

/** Entries are remembered for at least this long. An attempt to begin an epoch is over long before. */
const FOR_MS = 60_000;

const LIMIT = 50_000;

interface Known {
  floor: number;
  moved: BegunEpoch | undefined;
  attempted: number;
  lost: Epoch | undefined;
}

/**
 * The knowledge of a member about sessions that it has no copy of: its promises, where they went, and that they are
 * lost. It is kept for a while only. Two generations of maps make forgetting cheap.
 */
export class KeyMemory {
  private young = new Map<SessionKey, Known>();
  private old = new Map<SessionKey, Known>();
  private since: number;

  constructor(private readonly now: () => number) {
    this.since = now();
  }

  /** No epoch up to this counter begins here any more. */
  floorOf(key: SessionKey): number {
    return this.find(key)?.floor ?? 0;
  }

  raiseFloor(key: SessionKey, floor: number): void {
    if (floor > this.floorOf(key)) this.remember(key).floor = floor;
  }

  /** The epoch that is known to have begun elsewhere and outranks the others. */
  movedTo(key: SessionKey): BegunEpoch | undefined {
    return this.find(key)?.moved;
  }

  noteMove(key: SessionKey, { counter, node, backup, generation }: BegunEpoch): void {
    const epoch = { counter, node, backup, generation };
    const known = this.movedTo(key);
    if (!known || outranks(epoch, known)) this.remember(key).moved = epoch;
  }

  /** No epoch of a lower generation begins here any more. */
  generationOf(key: SessionKey): number {
    return this.movedTo(key)?.generation ?? 0;
  }

  /**
   * The greatest counter with which this member has tried to begin an epoch. Others may have copies of that epoch
   * although this member has none.
   */
  attemptedAt(key: SessionKey): number {
    return this.find(key)?.attempted ?? 0;
  }

  noteAttempt(key: SessionKey, counter: number): void {
    if (counter > this.attemptedAt(key)) this.remember(key).attempted = counter;
  }

  /** Whether a client that was shown this epoch has already been told that the session is lost. */
  isLost(key: SessionKey, witness: Epoch): boolean {
    const lost = this.find(key)?.lost;
    return lost !== undefined && sameEpoch(lost, witness);
  }

  noteLost(key: SessionKey, { counter, node }: Epoch): void {
    this.remember(key).lost = { counter, node };
  }

  private find(key: SessionKey): Known | undefined {
    const age = this.now() - this.since;
    if (age >= FOR_MS) this.turn();
    // Nothing was added for two generations.
    if (age >= 2 * FOR_MS) this.old.clear();
    return this.young.get(key) ?? this.old.get(key);
  }

  private remember(key: SessionKey): Known {
    const known = { floor: 0, moved: undefined, attempted: 0, lost: undefined, ...this.find(key) };
    this.young.set(ownText(key), known);
    if (this.young.size >= LIMIT) this.turn();
    return known;
  }

  private turn(): void {
    this.old = this.young;
    this.young = new Map();
    this.since = this.now();
  }
}
