import { describe, expect, it } from '@jest/globals';
import { createApplication } from '../../src/create-application.js';
import { readConfig } from '../../src/sample.config.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { adapters } from '../support/platforms.js';

describe.each(adapters)('R39 F34 a server of the sample that was told to stop, $adapter', ({ adapter }) => {
  it('has red health first, serves everything else for DRAIN_MS, and closes its connections then', async () => {
    const app = await createApplication(readConfig({ HTTP_ADAPTER: adapter, DRAIN_MS: '3000', SERVER_TIMING: 'on' }));
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const client = new Client(app);
    await client.text('/count');
    const health = async (): Promise<number> => (await new Client(app).get('/health')).status;
    expect(await health()).toBe(200);

    let isClosed = false;
    const closing = app.close().then(() => (isClosed = true));
    await eventually('health is red', async () => (await health()) === 503);
    const served = await client.get('/count');

    expect(isClosed).toBe(false);
    expect([served.status, served.text]).toEqual([200, 'counter=2']);
    expect(served.get('connection')).toBe('close');
    // It is watched to the end.
    expect(served.get('server-timing')).toContain('total;dur=');
    await closing;
    await expect(new Client(url).get('/health')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('the configuration of the sample', () => {
  it('closes at once without DRAIN_MS', () => {
    expect(readConfig({}).drainMs).toBe(0);
    expect(readConfig({ DRAIN_MS: '' }).drainMs).toBe(0);
    expect(() => readConfig({ DRAIN_MS: 'long' })).toThrow('DRAIN_MS=long');
    expect(() => readConfig({ DRAIN_MS: '999999999999' })).toThrow('DRAIN_MS=999999999999 must be at most 2147483647');
  });
});
