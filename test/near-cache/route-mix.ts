import type { RequestKind } from './history.js';

/** A route of the fixture, its kind in a history, and its share of the requests relative to the other routes. */
export interface WeightedRoute {
  readonly path: string;
  readonly kind: RequestKind;
  readonly weight: number;
}

/** Reads, writes of one and of two beans, new ids, and logouts. */
export const mixedRoutes: readonly WeightedRoute[] = [
  { path: 'read', kind: 'read', weight: 60 },
  { path: 'read-only', kind: 'read', weight: 20 },
  { path: 'write', kind: 'write', weight: 4 },
  { path: 'slow-write', kind: 'write', weight: 3 },
  { path: 'pair', kind: 'pair', weight: 3 },
  { path: 'renew', kind: 'renew', weight: 0.5 },
  { path: 'logout', kind: 'logout', weight: 0.5 },
];

/**
 * Many writes, and no session ends. So a missed invalidation has consequences soon, and an error late in a run is not
 * repaired before the run is over.
 */
export const writingRoutes: readonly WeightedRoute[] = [
  { path: 'read', kind: 'read', weight: 60 },
  { path: 'write', kind: 'write', weight: 40 },
];

/** No session ends: every session lives through the whole run. */
export const lastingRoutes: readonly WeightedRoute[] = mixedRoutes.filter(
  ({ kind }) => kind !== 'renew' && kind !== 'logout',
);

export function drawRoute(routes: readonly WeightedRoute[]): WeightedRoute {
  let at = Math.random() * routes.reduce((sum, { weight }) => sum + weight, 0);
  const drawn = routes.find(({ weight }) => (at -= weight) < 0);
  return drawn ?? (routes[0] as WeightedRoute);
}
