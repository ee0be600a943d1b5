import type { Attributes } from '@opentelemetry/api';
import type { RequestTimings } from '../timing/request-timings.js';

/** The label that says which server a metric is from; none where the server has no name. */
export function nodeLabels({ node }: RequestTimings): Attributes {
  return node === undefined ? {} : { 'session.node': node };
}
