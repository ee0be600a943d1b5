/** Names that can be put between dots, into a cookie and into a certificate without quoting. */
export function isMemberName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9]{1,32}$/.test(name);
}
