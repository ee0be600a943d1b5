/** The host of a call, without anything that could be a secret: `api.example.org`. */
export function hostOf(origin: unknown): string {
  if (typeof origin === 'string' && !origin.includes('/')) return origin || 'http';
  try {
    return new URL(origin as string | URL).host;
  } catch {
    return 'http';
  }
}
