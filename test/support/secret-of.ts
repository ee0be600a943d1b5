/** The half of an id that only its client may have. The other half names the session, and may be told. */
export function secretOf(id: string): string {
  return id.slice(22, 65);
}
