import * as common from '@nestjs/common';
import type { AdapterName } from './platforms.js';

/** One way to answer, and what the client must get. */
export interface WayToAnswer {
  readonly path: string;
  readonly status: number;
  readonly adapter: AdapterName;
  readonly method?: string;
  readonly body?: string;
}

type Way = Omit<WayToAnswer, 'adapter'> & { readonly only?: AdapterName };

/**
 * Nest 12 streams generators, web streams and web responses that a handler returns; told by an export that 11 lacks.
 */
const streamsReturnValues = 'stripProtoKeys' in common;

const successes: Way[] = [
  { path: 'value', status: 200, body: 'n=1' },
  { path: 'value', status: 200, body: '', method: 'HEAD' },
  { path: 'async', status: 200, body: 'n=1' },
  { path: 'void', status: 200, body: '' },
  { path: 'null', status: 200 },
  { path: 'object', status: 200, body: '{"n":1}' },
  { path: 'redirect', status: 307 },
  { path: 'no-content', status: 204, body: '' },
  { path: 'own-cookies', status: 200, body: 'n=1' },
  { path: 'passthrough', status: 200, body: 'n=1' },
  { path: 'res-send', status: 200, body: 'n=1' },
  { path: 'res-send', status: 200, body: '', method: 'HEAD' },
  { path: 'res-return-reply', status: 200, body: 'n=1' },
  { path: 'res-json', status: 200, body: '{"n":1}', only: 'express' },
  { path: 'res-send-file', status: 200, only: 'express' },
  { path: 'raw-end', status: 200, body: 'n=1' },
  { path: 'raw-write-end', status: 200, body: 'n=1' },
  { path: 'raw-head', status: 202, body: 'n=1' },
  { path: 'raw-flush', status: 200, body: 'n=1' },
  { path: 'raw-pipe', status: 200 },
  { path: 'file', status: 200 },
  { path: 'file-touching', status: 200, body: 'n=1' },
  { path: 'observable', status: 200, body: 'n=1' },
  { path: 'observable-many', status: 200, body: 'n=1' },
  { path: 'sse', status: 200, body: '\nid: 1\ndata: n=1\n\n' },
  { path: 'sse-async', status: 200, body: '\nid: 1\ndata: n=1\n\n' },
  { path: 'named/%63ount', status: 200, body: 'count n=1' },
  { path: '%76alue', status: 200, body: 'n=1', only: 'fastify' },
  ...(streamsReturnValues
    ? [
        { path: 'generator', status: 200, body: 'n=1' },
        { path: 'web-stream', status: 200, body: 'n=1' },
        { path: 'web-response', status: 203, body: 'n=1' },
      ]
    : []),
];

const failures: Way[] = [
  { path: 'exception', status: 400 },
  { path: 'error', status: 500 },
  { path: 'async-error', status: 500 },
  { path: 'guard', status: 401 },
  { path: 'pipe', status: 400 },
  { path: 'teapot', status: 418, body: 'n=1' },
  { path: 'observable-empty', status: 500 },
  ...(streamsReturnValues ? [{ path: 'web-failure', status: 422, body: 'n=1' }] : []),
];

const onBoth = (ways: readonly Way[]): WayToAnswer[] =>
  (['express', 'fastify'] as const).flatMap((adapter) =>
    ways.filter(({ only = adapter }) => only === adapter).map((way) => ({ ...way, adapter })),
  );

/** The ways in which `AnsweringController` answers, on both adapters. */
export const waysToAnswer = { successes: onBoth(successes), failures: onBoth(failures) };
