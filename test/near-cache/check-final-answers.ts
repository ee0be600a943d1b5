import { AcknowledgedWrites } from './acknowledged-writes.js';
import { groupedBy } from './grouped-by.js';
import type { FinalAnswer, History, SeenState } from './history.js';
import { SessionEnds } from './session-ends.js';
import type { Violation } from './violation.js';

/**
 * Checks the state that is left when no client writes any more, `maxStalenessMs` after the last write:
 * - lost update: the stored state holds every acknowledged write;
 * - made up: besides those it holds only writes whose outcome is unknown;
 * - torn: the parts that one request changes agree with each other;
 * - wrong entry: every server answers with the stored state, whichever client asks and however often;
 * - lost session: a session that no client ended still exists.
 * @param stored the stored state by session, as a server without a near cache answers it. Undefined: the session has
 *   ended
 */
export function checkFinalAnswers(
  { requests, wipes }: History,
  stored: ReadonlyMap<string, SeenState | undefined>,
  answers: readonly FinalAnswer[],
): Violation[] {
  const violations: Violation[] = [];
  const bySession = groupedBy(requests, (request) => request.session);
  for (const [session, truth] of stored) {
    const all = (bySession.get(session) ?? []).toSorted((a, b) => a.start - b.start);
    if (!truth) {
      const generation = Math.max(...all.map((request) => request.generation));
      if (!new SessionEnds(all, wipes).mayHaveEnded({ generation, end: Infinity }))
        violations.push({ rule: 'lost session', session, text: 'it is not stored, and no client had ended it' });
      continue;
    }
    const writes = new AcknowledgedWrites();
    for (const request of all) writes.add(request);
    for (const client of new Set([...writes.clients, ...Object.keys(truth.counts)])) {
      const count = truth.counts[client] ?? 0;
      const acknowledged = writes.acknowledgedBefore(client, Infinity);
      const possible = writes.possibleBefore(client, Infinity);
      if (count < acknowledged)
        violations.push({ rule: 'lost update', session, text: `${count} of ${acknowledged} writes of ${client}` });
      if (count > possible)
        violations.push({ rule: 'made up', session, text: `${count} writes of ${client}, who sent ${possible}` });
    }
    const sum = Object.values(truth.counts).reduce((total, count) => total + count, 0);
    if (truth.total !== sum)
      violations.push({ rule: 'torn', session, text: `total is ${truth.total}, the counts add up to ${sum}` });
  }
  for (const { session, server, seen } of answers) {
    const truth = stored.get(session);
    if (sameState(seen, truth)) continue;
    const text = `server ${server} says ${describe(seen)}, stored is ${describe(truth)}`;
    violations.push({ rule: 'wrong entry', session, text });
  }
  return violations;
}

function sameState(one: SeenState | undefined, other: SeenState | undefined): boolean {
  return describe(one) === describe(other);
}

function describe(seen: SeenState | undefined): string {
  if (!seen) return 'no session';
  const counts = Object.entries(seen.counts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ ...seen, counts: Object.fromEntries(counts) }, [
    'name',
    'total',
    'pairs',
    'entries',
    'counts',
    ...counts.map(([client]) => client),
  ]);
}
