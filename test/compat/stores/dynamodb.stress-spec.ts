import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionStore } from 'nestjs-session-beans';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { typeScriptBlocks } from '../../docs/typescript-blocks.js';

// The store on DynamoDB that `docs/stores/documents.md` shows, as a reader gets it, on dynalite.

const require = createRequire(import.meta.url);
const TABLE = 'sessions';

interface Dynamo {
  send(command: unknown): Promise<unknown>;
  destroy(): void;
}

const page = join(import.meta.dirname, '../../../docs/stores/documents.md');
const folder = mkdtempSync(join(tmpdir(), 'dynamo-example-'));
for (const { name, text } of typeScriptBlocks(readFileSync(page, 'utf8'))) writeFileSync(join(folder, name), text);
const { DynamoSessionStore } = (await import(join(folder, 'dynamo-session-store.ts'))) as {
  DynamoSessionStore: new (dynamo: unknown, table: string) => SessionStore;
};

let server: Server;
let client: Dynamo;
let documents: unknown;
beforeAll(async () => {
  const dynalite = require('dynalite') as (options: object) => Server;
  server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { CreateTableCommand, DynamoDBClient } = require('@aws-sdk/client-dynamodb') as Record<
    string,
    new (options: object) => Dynamo
  >;
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  client = new (DynamoDBClient as new (options: object) => Dynamo)({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-central-1',
    credentials,
  });
  await client.send(
    new (CreateTableCommand as new (options: object) => Dynamo)({
      TableName: TABLE,
      AttributeDefinitions: [{ AttributeName: 'name', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'name', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  const { DynamoDBDocument } = require('@aws-sdk/lib-dynamodb') as {
    DynamoDBDocument: { from(client: Dynamo): unknown };
  };
  documents = DynamoDBDocument.from(client);
});
afterAll(async () => {
  jest.restoreAllMocks();
  client?.destroy();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

describe('the example of documents.md', () => {
  it('takes at most 45 lines', () => {
    const text = readFileSync(join(folder, 'dynamo-session-store.ts'), 'utf8');

    expect(text.trim().split('\n').length).toBeLessThanOrEqual(45);
  });

  describeSessionStore(
    'dynamodb',
    ({ clock }) => {
      // The example takes the time from here.
      jest.spyOn(Date, 'now').mockImplementation(() => clock.now());
      return new DynamoSessionStore(documents, TABLE);
    },
    { runner: { describe, it } },
  );
});
