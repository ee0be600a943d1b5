import assert from 'node:assert/strict';
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { ModuleMetadata } from '@nestjs/common';
import type { RawResponse } from '../../support/raw-client.js';
import { type SampleSetting, SampleUnderTest, tokenOf } from './sample-under-test.js';

/**
 * Starts the sample for the tests of a block, and gives each of them a session that has counted to one. After each, the
 * same process answers as before, starts sessions, and has left no rejection unhandled.
 */
export class Serving {
  sample!: SampleUnderTest;

  /** Of the session. */
  token = '';

  private readonly unhandled: unknown[] = [];
  private readonly note = (reason: unknown): void => void this.unhandled.push(reason);
  private readonly members = Reflect.ownKeys(Object.prototype);

  /** @param more what an application would add to the sample */
  constructor(each: SampleSetting, more?: ModuleMetadata) {
    beforeAll(async () => {
      process.on('unhandledRejection', this.note).on('uncaughtExceptionMonitor', this.note);
      this.sample = await SampleUnderTest.start(each, more);
    });
    afterAll(async () => {
      process.off('unhandledRejection', this.note).off('uncaughtExceptionMonitor', this.note);
      await this.sample.close();
    });
    beforeEach(() => this.begin());
    afterEach(async () => {
      const { status, body } = await this.sample.get('/ping');
      assert.deepEqual([status, body], [200, 'pong']);
      await this.begin();
      assert.deepEqual(this.unhandled, []);
      assert.deepEqual(Reflect.ownKeys(Object.prototype), this.members);
    });
  }

  /** Another session for the test. */
  async begin(): Promise<void> {
    this.token = tokenOf(await this.sample.get('/count'));
    assert.notEqual(this.token, '');
  }

  /** The header with an id: that of the session, or another one. */
  cookie(token = this.token): string {
    return `Cookie: sid=${token}`;
  }

  /** What a client with the id of the session, or with another one, is shown. */
  peek(token?: string): Promise<RawResponse> {
    return this.sample.get('/count/peek', this.cookie(token));
  }

  /** The session is as it was. */
  async expectUnharmed(): Promise<void> {
    const { status, body } = await this.peek();
    assert.deepEqual([status, body], [200, 'counter=1']);
  }
}
