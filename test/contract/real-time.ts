import { setTimeout as pause } from 'node:timers/promises';

/** The time of a real Redis, for the contract suite. The rules hold on a machine that stands still for two units. */
export const realTime = { unitMs: 150, advance: (ms: number): Promise<void> => pause(ms) };
