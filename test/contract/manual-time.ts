/**
 * A script of the Redis store with the time of the test in place of Redis's: what `TIME` answers stands under a key,
 * and a TTL is a field that is looked at whenever the key is. So a model with a manual clock can be played against the
 * real scripts.
 */
export function withManualTime(lua: string, clockKey: string): string {
  const [shebang, ...rest] = lua.split('\n');
  const clock = `redis.call('GET', '${clockKey}')`;
  const expire = [
    `local ttl = redis.call('HGET', KEYS[1], 'ttl')`,
    `if ttl and tonumber(ttl) <= tonumber(${clock}) then redis.call('DEL', KEYS[1]) end`,
  ];
  const body = rest
    .join('\n')
    .replaceAll(`redis.call('TIME')`, `{ 0, ${clock} * 1000 }`)
    .replaceAll(/redis\.call\('PEXPIREAT', (\S+), (.*)\)$/gm, `redis.call('HSET', $1, 'ttl', $2)`)
    .replaceAll(/redis\.call\('PEXPIRE', (\S+), (.*)\)$/gm, `redis.call('HSET', $1, 'ttl', ${clock} + $2)`);
  return [shebang, ...expire, body].join('\n');
}
