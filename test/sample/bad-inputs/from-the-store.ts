import type { Redis } from 'ioredis';

/** Stored text of the counter that is refused as it is, and kept. */
export const refusedPayloads: readonly (readonly [title: string, payload: string])[] = [
  ['B30 nothing', ''],
  ['B30 half of it', '1{"value":'],
  ['B30 null', '1null'],
  ['B30 a list', '1[]'],
  ['B30 a number', '42'],
  ['B30 a text', '1"x"'],
  ['B30 no version', '{"value":1}'],
  ['B30 bytes', '\u0000\u0001\ufffd'],
  ['B30 what gzip makes', '\u001f\ufffd\u0008\u0000\u0000'],
  ['B31 __proto__', '1{"__proto__":{"polluted":true}}'],
  ['B31 constructor', '1{"constructor":{"prototype":{"polluted":true}}}'],
  ['B33 the name of a method', '1{"countUp":5}'],
  ['B33 the name of another method', '1{"value":1,"getValue":{"$map":[]}}'],
  ['B35 200,000 levels', `1{"value":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
  ['B38 a version that no release had', '0{"value":1}'],
  ['B39 a newer version', '2{"value":1,"more":2}'],
];

/** Stored text of the counter that is served. */
export const servedPayloads: readonly (readonly [title: string, payload: string, answer: string])[] = [
  ['B31 a prototype as a value', '1{"value":1,"other":{"__proto__":{"polluted":true}}}', 'counter=1'],
  ['B34 equal keys: the last one counts', '1{"value":3,"value":4}', 'counter=4'],
  ['B36 two megabytes', `1{"value":5,"other":"${'x'.repeat(2_000_000)}"}`, 'counter=5'],
  ['B37 a list of 200,000', `1{"value":6,"other":[${'0,'.repeat(199_999)}0]}`, 'counter=6'],
  ['B37 a length that is none', '1{"value":7,"other":{"length":4000000000}}', 'counter=7'],
  ['B40 a missing field has the default', '1{}', 'counter=0'],
  ['B40 one more field', '1{"value":8,"more":1}', 'counter=8'],
  ['B40 a field of another type', '1{"value":"nine"}', 'counter=nine'],
];

/** What somebody did to the key of a session in Redis: it is no session any more, and is kept. */
export const damagedKeys: readonly (readonly [
  title: string,
  damage: (redis: Redis, key: string) => Promise<unknown>,
])[] = [
  ['B30 a list', (redis, key) => redis.multi().del(key).lpush(key, 'x').exec()],
  ['B30 a text', (redis, key) => redis.set(key, '{"counter":1}')],
  ['B30 bytes', (redis, key) => redis.set(key, Buffer.from([31, 139, 0, 255, 10, 13]))],
  ['B30 no bytes', (redis, key) => redis.set(key, '')],
  ['B30 a hash of somebody else', (redis, key) => redis.multi().del(key).hset(key, 'name', 'x').exec()],
  ['B42 no times', (redis, key) => rewrite(redis, key, (text) => text.replaceAll(/ \d{13}/g, ''))],
  ['B42 times that are no numbers', (redis, key) => rewrite(redis, key, (text) => text.replace(/ \d{13}/, ' NaN'))],
  ['B42 no head', (redis, key) => rewrite(redis, key, (text) => text.replace(/^.*\n/, ''))],
  ['B42 a head of no format', (redis, key) => rewrite(redis, key, (text) => text.replace(/^1/, '0'))],
];

async function rewrite(redis: Redis, key: string, change: (text: string) => string): Promise<void> {
  await redis.set(key, change(String(await redis.get(key))));
}
