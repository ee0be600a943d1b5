import { AcknowledgedWrites } from './acknowledged-writes.js';
import { groupedBy } from './grouped-by.js';
import type { Failover, History, RequestEvent, SeenState } from './history.js';
import { SessionEnds } from './session-ends.js';
import type { Rule, Violation } from './violation.js';

/** What a history shows. */
export interface HistoryReport {
  readonly violations: readonly Violation[];

  /**
   * Requests that were answered with what they saw, and how many of these saw less than was acknowledged when they were
   * sent.
   */
  readonly observations: number;
  readonly stale: number;

  /** The longest time, in ms, for which an acknowledged write of somebody else had not been shown. */
  readonly stalestMs: number;

  /** Reads that show no more what a failover of Redis has undone: writes that nobody had been told are stored. */
  readonly undone: number;
}

/** A count in a state: of the writes of one client, or of all. */
interface Count {
  readonly count: number;
  readonly of: string | undefined;
}

/** A count that a client has been shown, and by which answer. */
interface Shown extends Count {
  readonly by: RequestEvent;
}

/**
 * Checks every answer against all that was acknowledged before it was asked for:
 *
 * - own write not read: a client sees its own writes, once they are answered, whichever server it asks;
 * - went back: of what a client has been shown, nothing disappears for it again. After a failover of Redis, writes may
 *   that were never acknowledged (they had been stored, and seen, on the primary that is lost): as many as there were,
 *   and none that were acknowledged;
 * - too stale: a read holds every write that was answered more than `maxStalenessMs` before the read was sent;
 * - made up: nothing is counted that was not written, or was refused, or twice;
 * - torn: the parts that one request changes are seen changed together;
 * - served after its end: an ended session is gone for everybody after `maxStalenessMs`, at once for who ended it;
 * - lost session: only what was ended, ends.
 *
 * There is no allowance for measuring, because there is no measuring error in the wrong direction: a write is stored
 * before its answer arrives here, and a server looks at its copy after the request has left here, both by one clock. So
 * the age that is measured here is never more than the age by the server's own reckoning, which is what the promise is
 * about.
 *
 * @param maxStalenessMs 0: a read holds everything that was acknowledged before it was sent
 */
export function checkHistory(
  { requests, wipes, failovers = [] }: History,
  { maxStalenessMs }: { maxStalenessMs: number },
): HistoryReport {
  const violations: Violation[] = [];
  let [observations, stale, stalestMs, undone] = [0, 0, 0, 0];
  for (const [session, all] of groupedBy(requests, (request) => request.session)) {
    const ends = new SessionEnds(all, wipes);
    const writes = new AcknowledgedWrites();
    for (const request of all.toSorted((a, b) => a.start - b.start)) writes.add(request);
    const break_ = (rule: Rule, event: RequestEvent, text: string): void =>
      void violations.push({ rule, session, event, text });

    for (const [, own] of groupedBy(all, ({ client }) => client)) {
      const shown = new Map<string, Shown>();
      for (const event of own.toSorted((a, b) => a.start - b.start)) {
        if (event.outcome === 'anonymous' && !ends.mayHaveEnded(event))
          break_('lost session', event, 'nobody had ended it');
        if (event.outcome !== 'ok') continue;
        const ended = ends.endedFor(event);
        if (ended.own > 0) break_('served after its end', event, `${ms(ended.own)} ms after this client had ended it`);
        else if (ended.others > maxStalenessMs)
          break_('served after its end', event, `${ms(ended.others)} ms after it had ended`);
        const { seen } = event;
        if (!seen) continue;

        observations++;
        const age = ageOf(seen, writes, event.start);
        if (age > 0) stale++;
        stalestMs = Math.max(stalestMs, age);
        if (age > maxStalenessMs) break_('too stale', event, `misses a write that was answered ${ms(age)} ms before`);
        const mine = seen.counts[event.client] ?? 0;
        const acknowledged = writes.acknowledgedBefore(event.client, event.start);
        if (mine < acknowledged) break_('own write not read', event, `${mine} of ${acknowledged} own writes`);
        const now = flat(seen);
        const gone = [...shown].filter(([what, { count }]) => countIn(now, what) < count);
        const back = gone.find(([what, before]) => {
          const lost = before.count - countIn(now, what);
          const isCrossed = failovers.some((failover) => crosses(failover, before.by, event, maxStalenessMs));
          return !isCrossed || lost > writes.unknownBefore(before.of, before.by.end);
        });
        if (back) break_('went back', event, `${back[0]} was ${back[1].count} and is ${countIn(now, back[0])}`);
        else if (gone.length > 0) undone++;
        if (!back) for (const [what] of gone) shown.delete(what);
        for (const [what, count] of now)
          if (count.count >= countIn(shown, what)) shown.set(what, { ...count, by: event });
        for (const [client, count] of Object.entries(seen.counts)) {
          const possible = writes.possibleBefore(client, event.end);
          if (count > possible) break_('made up', event, `${count} writes of ${client}, who sent ${possible}`);
        }
        const torn = tornIn(seen, session);
        if (torn) break_('torn', event, torn);
      }
    }
  }
  return { violations, observations, stale, stalestMs, undone };
}

/** For how long the oldest write that is missing had been acknowledged; 0 when none is missing. */
function ageOf(seen: SeenState, writes: AcknowledgedWrites, moment: number): number {
  let age = 0;
  for (const client of writes.clients) {
    const answeredAt = writes.acknowledgedAt(client, missingFrom(seen, client));
    if (answeredAt < moment) age = Math.max(age, moment - answeredAt);
  }
  return age;
}

/**
 * Number of the first acknowledged write of a client that a state certainly lacks. Writes whose outcome is unknown may
 * be among those it has: then later ones are missing, and the age is underrated, never overrated.
 */
function missingFrom(seen: SeenState, client: string): number {
  return (seen.counts[client] ?? 0) + 1;
}

function flat({ total, pairs, entries, counts }: SeenState): Map<string, Count> {
  const ofAll = Object.entries({ total, pairs, entries }).map(
    ([what, count]) => [what, { count, of: undefined }] as const,
  );
  const ofClients = Object.entries(counts).map(
    ([client, count]) => [`the count of ${client}`, { count, of: client }] as const,
  );
  return new Map<string, Count>([...ofAll, ...ofClients]);
}

function countIn(counts: ReadonlyMap<string, Count>, what: string): number {
  return counts.get(what)?.count ?? 0;
}

/** Whether one answer may be from before a failover, and a later one from after it. */
function crosses(failover: Failover, before: RequestEvent, after: RequestEvent, maxStalenessMs: number): boolean {
  return before.start < failover.end + maxStalenessMs && failover.start < after.end;
}

function tornIn({ total, pairs, entries, counts, name }: SeenState, session: string): string | undefined {
  const sum = Object.values(counts).reduce((all, count) => all + count, 0);
  if (total !== sum) return `total is ${total}, the counts add up to ${sum}`;
  if (pairs !== entries) return `${pairs} pairs in one bean, ${entries} in the other`;
  return name === session ? undefined : `it is the state of ${name}`;
}

const ms = (duration: number): string => duration.toFixed(1);
