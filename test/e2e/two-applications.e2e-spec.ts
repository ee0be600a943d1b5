import { describe, expect, it } from '@jest/globals';
import { CountController, Counter } from '../support/counter.js';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { Client } from '../support/client.js';
import { platforms, startApplication } from '../support/platforms.js';

describe.each(platforms)(
  'R23 two applications in one process with the same classes, $adapter, $mode,',
  ({ adapter, scope }) => {
    it('keep their sessions apart and store once', async () => {
      const [first, second] = [
        await startApplication({ adapter, scope, beans: [Counter], controllers: [CountController] }),
        await startApplication({ adapter, scope, beans: [Counter], controllers: [CountController] }),
      ];
      // One client whose cookie both get: they have the same name.
      const client = new Client('');
      expect(await client.text(first.url)).toBe('1');
      expect(await client.text(second.url)).toBe('1');
      const other = new Client(first.app);
      for (let i = 1; i <= 3; i++) expect(await other.text('/')).toBe(`${i}`);
      expect(first.store.calls.save).toBe(4);
      expect(second.store.calls.save).toBe(1);
      // Both share the class, so that the interceptor on it is bound once.
      const bound = (Reflect.getMetadata(INTERCEPTORS_METADATA, CountController) ?? []) as unknown[];
      expect(bound.length).toBeLessThanOrEqual(1);
      await first.close();
      expect(await new Client(second.app).text('/')).toBe('1');
      await second.close();
    });
  },
);
