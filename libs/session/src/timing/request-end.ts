/** What only the transport knows of a request that is over. */
export interface RequestEnd {
  readonly method: string;
  readonly status: number;
  readonly isComplete: boolean;
  readonly requestId: string | undefined;
}
