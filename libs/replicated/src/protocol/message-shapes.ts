import { isEarlierWrites } from '../copy/earlier-writes.js';
import type { ReplicationMessage } from './replication-message.js';

/**
 * The shapes of messages and answers. A member believes another one that it has authenticated, but not that every text
 * arrives as it was sent, nor that each release writes what it should: a number that is none would stay in the table,
 * and end the counting of its bytes.
 *
 * Fields that are not named here are left alone: a release may add some without another format.
 */
type Shape = (value: unknown) => boolean;

const text: Shape = (value) => typeof value === 'string';
const flag: Shape = (value) => typeof value === 'boolean';
const count: Shape = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const time: Shape = Number.isFinite;
const nothing: Shape = (value) => value === null;

function either(...shapes: readonly Shape[]): Shape {
  return (value) => shapes.some((fits) => fits(value));
}

function optional(fits: Shape): Shape {
  return (value) => value === undefined || fits(value);
}

function listOf(fits: Shape): Shape {
  return (value) => Array.isArray(value) && value.every(fits);
}

function tuple(...shapes: readonly Shape[]): Shape {
  return (value) => Array.isArray(value) && shapes.every((fits, i) => fits(value[i]));
}

function fields(shapes: Readonly<Record<string, Shape>>): Shape {
  const entries = Object.entries(shapes);
  return (value) => {
    if (typeof value !== 'object' || value === null) return false;
    return entries.every(([name, fits]) => fits((value as Record<string, unknown>)[name]));
  };
}

function all(...shapes: readonly Shape[]): Shape {
  return (value) => shapes.every((fits) => fits(value));
}

const epoch = fields({ counter: count, node: text });
const promised = all(epoch, fields({ process: optional(text) }));
const owners = all(epoch, fields({ backup: text }));
const begun = all(owners, fields({ generation: count }));
const move = all(begun, fields({ key: text, lineage: text }));
const tombstone = fields({ x: time, g: count, i: text });
const history = tuple(count, count, either(text, nothing), either(time, nothing), listOf(tuple(text, time)));
const parts: Shape = (value) => listOf(text)(value) && (value as readonly string[]).length % 3 === 0;
/** Name, payload, name, payload, and so on; a part without a payload is removed. */
const changedParts: Shape = (value) =>
  listOf(either(text, nothing))(value) &&
  (value as readonly unknown[]).length % 2 === 0 &&
  (value as readonly unknown[]).every((each, i) => i % 2 === 1 || each !== null);
const livingState = fields({
  s: text,
  e: optional(isEarlierWrites),
  l: tuple(time, time, time),
  p: parts,
  o: text,
  h: optional(history),
  r: optional(tuple(count, text)),
  n: optional(count),
  c: time,
  a: time,
  j: flag,
  v: flag,
  k: optional(tuple(text, time)),
});
const state: Shape = (value) => ('x' in Object(value) ? tombstone(value) : livingState(value));
const delta = fields({
  stamp: optional(text),
  parts: optional(changedParts),
  renewal: optional(fields({ proof: text, principal: optional(text) })),
  renewedIn: optional(epoch),
  lifetime: optional(fields({ idleTimeoutMs: time, absoluteTimeoutMs: time, unjoinedTimeoutMs: time })),
  lastAccessedAt: optional(time),
  confirmed: optional(flag),
  lock: optional(either(nothing, fields({ token: text, until: time }))),
});
const evidence = fields({
  proof: optional(text),
  logins: optional(count),
  writeId: optional(text),
  lock: optional(text),
});
const keysAtCounters = listOf(tuple(text, count));

const MESSAGES: Readonly<Record<ReplicationMessage['type'], Shape>> = {
  put: fields({
    key: text,
    counter: count,
    backup: text,
    seq: count,
    state: optional(state),
    delta: optional(delta),
    from: optional(either(nothing, epoch)),
    lineage: optional(text),
    receiver: optional(text),
    at: time,
    process: text,
  }),
  peek: fields({ key: text, evidence }),
  claim: fields({ key: text, floor: count }),
  grant: fields({ key: text, counter: count, process: text, of: count }),
  promises: fields({ generation: count, skip: count }),
  drop: move,
  news: fields({ moves: listOf(move) }),
  end: fields({ ends: listOf(tuple(text, tombstone)), at: time }),
  refuse: fields({ key: text }),
  supersede: fields({ key: text, proof: text }),
  ping: fields({ process: text, settled: keysAtCounters, over: count }),
  endEras: fields({ over: count }),
  check: fields({ replicas: keysAtCounters }),
  leaving: fields({ process: text }),
  list: fields({ principal: text, parts: listOf(text), after: text }),
  resolve: fields({ principal: text, parts: listOf(text), keys: listOf(text) }),
  reserve: fields({ principal: text, key: text, token: text }),
  release: fields({ principal: text, token: text }),
};

const facts = fields({
  process: text,
  fenced: flag,
  primaryProcess: optional(text),
  ageMs: time,
  heardAgoMs: time,
  floor: count,
});
const place = all(owners, fields({ seq: count, lineage: text }));
const grants = fields({ before: listOf(promised) });

const ended = fields({ process: text, tombstone, at: time });
const none = fields({ process: text, upMs: time, moved: optional(begun), attempted: count, floor: count });
const listedStates = listOf(tuple(text, livingState));
const done = { done: fields({}) };

/** By the type of the message. */
const ANSWERS: Readonly<Record<ReplicationMessage['type'], Readonly<Record<string, Shape>>>> = {
  put: {
    ok: fields({ incarnation: text }),
    refused: fields({ counter: count }),
    full: fields({}),
    another: fields({}),
    ended,
  },
  peek: {
    none,
    ended,
    checked: all(facts, fields({ place, generation: count, renewedIn: optional(epoch), check: text, isServing: flag })),
  },
  claim: { none, ended, copy: all(facts, fields({ copy: all(place, fields({ state, at: time })) })) },
  grant: { yes: grants, no: grants },
  promises: { promised: fields({ generation: count, page: listOf(tuple(text, listOf(promised))) }) },
  drop: done,
  news: done,
  end: done,
  refuse: done,
  supersede: done,
  ping: { pong: fields({ incarnation: text, unfollowed: keysAtCounters, more: flag, over: count }) },
  endEras: { eras: fields({ before: count }) },
  check: { checked: fields({ incarnation: text, verdicts: listOf(text) }) },
  leaving: done,
  list: { listed: fields({ sessions: listedStates, unsure: listOf(text), next: optional(text), at: time }) },
  resolve: { resolved: fields({ sessions: listedStates, none: listOf(text), at: time }) },
  reserve: { reserved: fields({ before: listOf(text) }) },
  release: done,
};

/** Whether a text that was parsed is a message as the members of this format send it. */
export function isMessage(parsed: unknown): parsed is ReplicationMessage {
  return isOneOf(MESSAGES, parsed);
}

/** Whether a text that was parsed is an answer to a message of this type. */
export function isAnswerTo(type: ReplicationMessage['type'], parsed: unknown): boolean {
  return isOneOf(ANSWERS[type], parsed);
}

function isOneOf(shapes: Readonly<Record<string, Shape>>, parsed: unknown): boolean {
  const { type } = (parsed ?? {}) as { readonly type?: unknown };
  return typeof type === 'string' && Object.hasOwn(shapes, type) && shapes[type]?.(parsed) === true;
}
