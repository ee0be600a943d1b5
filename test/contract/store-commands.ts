import fc from 'fast-check';
import { isDeepStrictEqual, inspect } from 'node:util';
import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import type { ClientAccess, SessionAccess } from '../../libs/session/src/store/session-id.js';
import type { SessionLifetime, SessionRecord, SessionTimes } from '../../libs/session/src/store/session-record.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { keyOf } from './broken-stores.js';
import { SessionStoreModel, timesOf } from './session-store-model.js';

/** Chooses one of the versions or stamps that exist when the command runs: the current one, an older one, or none. */
export type VersionChoice = 'current' | 'stale' | 'none';

/** Chooses what the caller knows of the session when the command runs. A number chooses one of the former ids. */
export type AccessChoice = 'present' | number | 'wrong' | 'logins' | 'other logins';

/** One call of a store, or time that passes. `session` is the number of a session. */
export type StoreCommand =
  | { do: 'create'; session: number; parts: Record<string, string>; lifetime: number; principal?: string }
  | {
      do: 'update';
      session: number;
      access: AccessChoice;
      edits: Record<string, { base: VersionChoice; payload: string | null }>;
      lifetime?: number;
      renewal?: { principal?: string; keep?: string[] };
    }
  | { do: 'again'; back: number }
  | { do: 'load'; session: number; access: AccessChoice; known: VersionChoice; touchAfterMs?: number }
  | { do: 'touch'; session: number; access: AccessChoice }
  | { do: 'destroy'; session: number; access: AccessChoice }
  | { do: 'supersede'; session: number; access: 'present' | number | 'wrong' }
  | { do: 'pass'; ms: number };

const anySession = fc.nat(1);
const anyLifetime = fc.nat(3);
const anyName = fc.constantFrom('a', 'b', 'c');
const anyPayload = fc.constantFrom('1', '2', '');
const anyPrincipal = fc.constantFrom('alice', 'bob');
const anyVersion = fc.constantFrom<VersionChoice>('current', 'current', 'stale', 'none');
const anyEdit = fc.record({ base: anyVersion, payload: fc.option(anyPayload) });
const anyRenewal = fc.record({ principal: anyPrincipal, keep: fc.subarray(['a', 'b']) }, { requiredKeys: [] });
const anyClient = fc.oneof(
  { weight: 5, arbitrary: fc.constant('present' as const) },
  { weight: 2, arbitrary: fc.nat(2) },
  { weight: 1, arbitrary: fc.constant('wrong' as const) },
);
const anyAccess = fc.oneof(
  { weight: 8, arbitrary: anyClient },
  { weight: 2, arbitrary: fc.constantFrom('logins' as const, 'other logins' as const) },
);

/** Sequences in which most calls have an effect: sessions exist, and changes start from the stored state. */
export const storeCommands: fc.Arbitrary<StoreCommand[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record(
        {
          do: fc.constant('create'),
          session: anySession,
          parts: fc.dictionary(anyName, anyPayload),
          lifetime: anyLifetime,
          principal: anyPrincipal,
        },
        { requiredKeys: ['do', 'session', 'parts', 'lifetime'] },
      ),
    },
    {
      weight: 8,
      arbitrary: fc.record(
        {
          do: fc.constant('update'),
          session: anySession,
          access: anyAccess,
          edits: fc.dictionary(anyName, anyEdit, { maxKeys: 2 }),
          lifetime: anyLifetime,
          renewal: anyRenewal,
        },
        { requiredKeys: ['do', 'session', 'access', 'edits'] },
      ),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('again'), back: fc.nat(6) }) },
    {
      weight: 5,
      arbitrary: fc.record(
        {
          do: fc.constant('load'),
          session: anySession,
          access: anyAccess,
          known: anyVersion,
          touchAfterMs: fc.constantFrom(0, 2_000, 60_000),
        },
        { requiredKeys: ['do', 'session', 'access', 'known'] },
      ),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('touch'), session: anySession, access: anyAccess }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy'), session: anySession, access: anyAccess }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('supersede'), session: anySession, access: anyClient }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(1, 999, 2_000, 5_000, 20_000, 130_000) }),
    },
  ),
  { maxLength: 40, size: 'max' },
);

/** The last one outlives the time for which former ids are recognised. */
const LIFETIMES: readonly SessionLifetime[] = [
  { idleTimeoutMs: 10_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 4_000 },
  { idleTimeoutMs: 30_000, absoluteTimeoutMs: 40_000, unjoinedTimeoutMs: 50_000 },
  { idleTimeoutMs: 3_000, absoluteTimeoutMs: 7_000, unjoinedTimeoutMs: 3_000 },
  { idleTimeoutMs: 600_000, absoluteTimeoutMs: 900_000, unjoinedTimeoutMs: 600_000 },
];

/**
 * The contract promises for one minute that an ended key cannot be created again. After that, a store may forget it.
 */
const ENDED_FOR_MS = 60_000;

type StoreCall = (on: SessionStore) => unknown;

/**
 * Runs the commands on the model and on the store, and describes the first answer that differs. Undefined if none does.
 * Calls that the contract lets a store answer in several ways are left out.
 */
export async function firstDifference(
  create: (clock: ManualClock) => SessionStore,
  commands: readonly StoreCommand[],
): Promise<string | undefined> {
  const clock = new ManualClock();
  const model = new SessionStoreModel(clock);
  const store = create(clock);
  const commandsOn = new CommandsOn(model, clock);
  try {
    for (const command of commands) {
      if (command.do === 'pass') clock.advance(command.ms);
      else {
        const call = commandsOn.callFor(command);
        const [expected, actual] = call ? [told(await call(model)), told(await call(store))] : [];
        if (!isDeepStrictEqual(actual, expected)) {
          return `${inspect(command)}: expected ${inspect(expected)}, the store answered ${inspect(actual)}`;
        }
      }
    }
    return undefined;
  } finally {
    await store.close();
  }
}

/** Makes calls of commands: fills in keys, proofs and versions, as the model has them when a command runs. */
class CommandsOn {
  private readonly sent: SessionChange[] = [];
  private readonly uses = new Map<number, number>();

  /** The last proof that each key had. */
  private readonly proofs = new Map<string, string>();

  constructor(
    private readonly model: SessionStoreModel,
    private readonly clock: ManualClock,
  ) {}

  /** @returns undefined when the store may answer in several ways */
  callFor(command: Exclude<StoreCommand, { do: 'pass' }>): StoreCall | undefined {
    switch (command.do) {
      case 'create':
        return this.save(this.creation(command));
      case 'update':
        return this.save(this.update(command));
      case 'again':
        return this.again(command.back);
      case 'load': {
        const access = this.accessTo(command.session, command.access);
        const known = this.stampOf(access.key, command.known);
        return this.unlessOpen(access, (on) => on.load(access, { known, touchAfterMs: command.touchAfterMs }));
      }
      case 'touch': {
        const access = this.accessTo(command.session, command.access);
        return this.unlessOpen(access, (on) => on.touch(access));
      }
      case 'destroy': {
        const access = this.accessTo(command.session, command.access);
        return this.unlessOpen(access, (on) => on.destroy(access));
      }
      case 'supersede': {
        const access = this.clientOf(this.keyOf(command.session), command.access);
        return (on) => on.supersede(access);
      }
      default:
        throw new Error(`no such command: ${inspect(command satisfies never)}`);
    }
  }

  private creation({ session, parts, lifetime, principal }: StoreCommand & { do: 'create' }): SessionChange {
    // Keys are never used again: after its end, a session continues as a new one with a new key.
    const { ended, superseded } = this.model;
    const isUsed = ended.has(this.keyOf(session)) || superseded.has(this.keyOf(session));
    if (isUsed) this.uses.set(session, (this.uses.get(session) ?? 0) + 1);
    const key = this.keyOf(session);
    const bases = Object.entries(parts).map(([name, payload]) => [name, { base: null, payload }] as const);
    const change = { mode: 'create', key, proof: this.newProof(key), writeId: this.newWriteId() } as const;
    const lives = LIFETIMES[lifetime] as SessionLifetime;
    return { ...change, principal, lifetime: lives, parts: new Map(bases) };
  }

  private update(command: StoreCommand & { do: 'update' }): SessionChange {
    const access = this.accessTo(command.session, command.access);
    const { key } = access;
    const keep = command.renewal?.keep;
    const parts = Object.entries(command.edits).map(([name, { base, payload }]) => {
      const isKept = !keep || keep.includes(name) || base === 'stale';
      return [name, { base: isKept ? this.baseOf(key, name, base) : null, payload }] as const;
    });
    const renewal = command.renewal && { ...command.renewal, proof: this.newProof(key) };
    const lifetime = LIFETIMES[command.lifetime ?? Number.NaN];
    return { mode: 'update', access, writeId: this.newWriteId(), lifetime, renewal, parts: new Map(parts) };
  }

  private save(change: SessionChange): StoreCall | undefined {
    this.sent.push(change);
    return this.saving(change);
  }

  private again(back: number): StoreCall | undefined {
    const change = this.sent.at(-1 - back);
    if (!change) return undefined;
    const endedAt = this.model.ended.get(keyOf(change));
    const tooLate = endedAt !== undefined && this.clock.now() - endedAt >= ENDED_FOR_MS;
    const isLate = tooLate || this.model.superseded.has(keyOf(change));
    return change.mode === 'create' && isLate ? undefined : this.saving(change);
  }

  private saving(change: SessionChange): StoreCall | undefined {
    const save: StoreCall = async (on) => {
      const result = await on.save(change);
      if (on === this.model && result.outcome === 'saved') this.noteProof(keyOf(change));
      return result;
    };
    const isApplied = this.model.live(keyOf(change))?.applied.has(change.writeId);
    return change.mode === 'create' || isApplied ? save : this.unlessOpen(change.access, save);
  }

  private unlessOpen(access: SessionAccess, call: StoreCall): StoreCall | undefined {
    return this.model.isOpen(access) ? undefined : call;
  }

  private keyOf(session: number): string {
    return `${session}.${this.uses.get(session) ?? 0}`;
  }

  private accessTo(session: number, choice: AccessChoice): SessionAccess {
    const key = this.keyOf(session);
    const logins = this.model.live(key)?.record.logins ?? 0;
    if (choice === 'logins') return { key, logins };
    return choice === 'other logins' ? { key, logins: logins + 1 } : this.clientOf(key, choice);
  }

  private clientOf(key: string, choice: 'present' | number | 'wrong'): ClientAccess {
    if (choice === 'wrong') return { key, proof: `${key}-wrong` };
    const former = choice === 'present' ? undefined : this.model.formerOf(key)[choice]?.proof;
    return { key, proof: former ?? this.proofs.get(key) ?? `${key}-never` };
  }

  private noteProof(key: string): void {
    const { proof } = this.model.live(key)?.record ?? {};
    if (proof !== undefined) this.proofs.set(key, proof);
  }

  private newProof(key: string): string {
    return `${key}-proof${this.sent.length}`;
  }

  private newWriteId(): string {
    return `w${this.sent.length}`;
  }

  private stampOf(key: string, choice: VersionChoice): string | undefined {
    const applied = [...(this.model.live(key)?.applied.values() ?? [])];
    return choice === 'none' ? undefined : applied.at(choice === 'current' ? -1 : -2);
  }

  private baseOf(key: string, part: string, choice: VersionChoice): string | null {
    if (choice === 'none') return null;
    const current = this.model.live(key)?.record.parts.get(part)?.version ?? null;
    return choice === 'current' ? current : (this.stampOf(key, 'stale') ?? '1.never');
  }
}

interface Answer {
  readonly outcome?: string;
  readonly stamp?: string;
  readonly record?: SessionRecord;
  readonly times?: SessionTimes;
}

/** What the contract says of an answer: a store may tell more. */
function told(answer: unknown): Answer {
  const { outcome, stamp, record, times } = (answer ?? {}) as Answer;
  return { outcome, stamp, record: record && recordOf(record), times: times && timesOf(times) };
}

function recordOf(record: SessionRecord): SessionRecord {
  const { proof, generation, logins, principal, stamp, lifetime, parts } = record;
  return { ...timesOf(record), proof, generation, logins, principal, stamp, lifetime, parts: new Map(parts) };
}
