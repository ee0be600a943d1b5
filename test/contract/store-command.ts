import fc from 'fast-check';

/** Which of the versions or stamps seen so far is meant; resolved when the command is played. */
export type Seen = 'current' | 'stale' | 'none';

/** One call of a store, or time that passes. `session` is the number of a session that is going on. */
export type StoreCommand =
  | { do: 'create'; session: number; parts: Record<string, string>; lifetime: number; aged: boolean }
  | { do: 'update'; session: number; edits: Record<string, { base: Seen; payload: string | null }>; lifetime?: number }
  | { do: 'again'; back: number }
  | { do: 'load'; session: number; known: Seen; touchAfterMs?: number }
  | { do: 'touch'; session: number }
  | { do: 'destroy'; session: number; ifStamp: Seen }
  | { do: 'pass'; ms: number };

const session = fc.nat(1);
const lifetime = fc.nat(2);
const name = fc.constantFrom('a', 'b', 'c');
const payload = fc.constantFrom('1', '2', '');
const seen = fc.constantFrom<Seen>('current', 'current', 'stale', 'none');
const edit = fc.record({ base: seen, payload: fc.option(payload) });

/** Sequences in which most calls mean something: sessions exist, changes start from what is stored. */
export const storeCommands: fc.Arbitrary<StoreCommand[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('create'),
        session,
        parts: fc.dictionary(name, payload),
        lifetime,
        aged: fc.boolean(),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record(
        { do: fc.constant('update'), session, edits: fc.dictionary(name, edit, { maxKeys: 2 }), lifetime },
        { requiredKeys: ['do', 'session', 'edits'] },
      ),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('again'), back: fc.nat(6) }) },
    {
      weight: 4,
      arbitrary: fc.record(
        { do: fc.constant('load'), session, known: seen, touchAfterMs: fc.constantFrom(0, 2_000, 60_000) },
        { requiredKeys: ['do', 'session', 'known'] },
      ),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('touch'), session }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy'), session, ifStamp: seen }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(1, 999, 2_000, 5_000, 20_000) }) },
  ),
  { maxLength: 40, size: 'max' },
);
