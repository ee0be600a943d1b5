import { describe, expect, it } from '@jest/globals';
import { clusterSlot } from './redis-cluster.js';

describe('clusterSlot', () => {
  // From CLUSTER KEYSLOT of Redis 7.
  it.each([
    ['123456789', 12739],
    ['foo', 12182],
    ['session:{foo}', 12182],
    ['{}foo', 9500],
    ['é', 10180],
  ])('of %s is %i', (key, slot) => {
    expect(clusterSlot(key)).toBe(slot);
  });
});
