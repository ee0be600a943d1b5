import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { createApplication } from '../../src/create-application.js';
import { readConfig } from '../../src/sample.config.js';
import { Client } from '../support/client.js';
import { adapters } from '../support/platforms.js';

describe.each(adapters)('the pages of the sample, $adapter,', ({ adapter }) => {
  let app: INestApplication;
  let client: Client;
  beforeEach(async () => {
    app = await createApplication(readConfig({ HTTP_ADAPTER: adapter, NODE_NAME: 's1' }));
    await app.listen(0, '127.0.0.1');
    client = new Client(app);
  });
  afterEach(() => app.close());

  it.each(['/', '/chat'])('has %s, which loads only its own files, and starts no session', async (path) => {
    const page = await client.get(path);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/);
    expect(page.headers['set-cookie']).toBeUndefined();
    expect(page.text).not.toMatch(/<script>|<style|\son\w+=|\sstyle=/);
    const files = [...page.text.matchAll(/(?:src|href)="(\/pages\/[^"]+)"/g)].map(([, file]) => file as string);
    expect(files).toHaveLength(3);
    for (const file of files) {
      const { status, headers } = await client.get(file);
      expect([status, headers['content-type']]).toEqual([
        200,
        expect.stringMatching(/^(text\/(javascript|css); charset=utf-8|image\/svg\+xml)$/),
      ]);
    }
  });

  it.each(['/pages/pages.controller.js', '/pages/..%2fmain.js', '/pages/__proto__'])('has no file %s', async (path) => {
    expect((await client.get(path)).status).toBe(404);
  });

  it('tells clients with and without a session who they are, and which server answers', async () => {
    expect((await client.get('/me')).body).toEqual({ node: 's1', principal: null });
    await client.post('/login', { user: 'ann' });
    expect((await client.get('/me')).body).toEqual({ node: 's1', principal: 'ann' });
  });
});
