import { AcknowledgedWrites } from './acknowledged-writes.js';
import { groupedBy } from './grouped-by.js';
import type { Failover, History, RequestEvent, SeenState } from './history.js';
import { SessionEnds } from './session-ends.js';
import type { Rule, Violation } from './violation.js';

/** The result of a check. */
export interface HistoryReport {
  readonly violations: readonly Violation[];

  /**
   * The number of answers that contained a state, and how many of these lacked a write that was acknowledged before the
   * request was sent.
   */
  readonly observations: number;
  readonly stale: number;

  /** The longest time, in ms, for which a read lacked an acknowledged write of another client. */
  readonly stalestMs: number;

  /**
   * The number of reads that lack a write which a failover of Redis has undone. Such writes were never acknowledged.
   */
  readonly undone: number;
}

/** A count in a state: of the writes of client `of`, or of all clients. */
interface Count {
  readonly count: number;
  readonly of: string | undefined;
}

/** A count that a client has been shown, and the answer that showed it. */
interface Shown extends Count {
  readonly by: RequestEvent;
}

/**
 * Checks every answer against the writes that were acknowledged before its request was sent:
 * - own write not read: a client sees its own acknowledged writes, whichever server it asks;
 * - went back: a client never sees less than it saw before. A failover of Redis may undo writes that were stored and
 *   seen on the lost primary but never acknowledged: at most as many as there were, and no acknowledged one;
 * - too stale: a read holds every write that was acknowledged more than `maxStalenessMs` before the read was sent;
 * - made up: no write is counted that was not sent, that was refused, or twice;
 * - torn: the parts that one request changes are seen changed together;
 * - served after its end: an ended session is gone for every client after `maxStalenessMs`, and at once for the client
 *   that ended it;
 * - lost session: a session ends only when a client ends it.
 *
 * The check needs no tolerance, because measuring errs only in favour of the servers. A write is stored before its
 * answer arrives here, and a server looks at its copy after the request has left here; both times come from one clock.
 * So a measured age is never greater than the age that the server promises to bound.
 * @param maxStalenessMs with 0, a read holds everything that was acknowledged before it was sent
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
          break_('lost session', event, 'no client had ended it');
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

/** How long the oldest missing write had been acknowledged; 0 when no write is missing. */
function ageOf(seen: SeenState, writes: AcknowledgedWrites, moment: number): number {
  let age = 0;
  for (const client of writes.clients) {
    const answeredAt = writes.acknowledgedAt(client, missingFrom(seen, client));
    if (answeredAt < moment) age = Math.max(age, moment - answeredAt);
  }
  return age;
}

/**
 * The number of the first acknowledged write of a client that a state certainly lacks. Writes with an unknown outcome
 * may be among the counted ones. Then later writes are missing, and the age is underestimated, never overestimated.
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

/** Tells whether one answer may be from before a failover and a later one from after it. */
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
