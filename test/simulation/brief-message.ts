/** Shortens a message between members for a trace: keys to their first letters, states to their stamps. */
export function briefMessage(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text, brief))
      .replaceAll('"', '')
      .replace(/^\{type:(\w+),?(.*)\}$/, '$1 $2');
  } catch {
    return text;
  }
}

function brief(name: string, value: unknown): unknown {
  if (typeof value === 'string') return value.length > 40 ? value.slice(0, 4) : value;
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? Math.round(value) : value;
  if (name === 'state' && 's' in value) return value.s;
  if (name === 'state') return 'tombstone';
  if (name === 'delta' && 'stamp' in value) return value.stamp;
  return value;
}
