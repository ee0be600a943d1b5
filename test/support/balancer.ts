/** A real load balancer in front of real servers, with one of the files in `deploy`. Stop it. */
export interface Balancer {
  /** Where clients go: `http://127.0.0.1:port`. */
  readonly url: string;

  /** What the balancer has passed on so far, oldest first: as its log tells. */
  passedOn(): Promise<readonly PassedRequest[]>;

  stop(): Promise<void>;
}

/** One request of a client, as the balancer saw it. */
export interface PassedRequest {
  readonly method: string;
  readonly path: string;

  /** What the client was answered with; of the balancer's own making where no server answered. */
  readonly status: number;

  /** The server that it went to in the end, undefined when there was none. */
  readonly server: string | undefined;

  /** How often it was tried again, on the same server or another, whether or not it had been sent. */
  readonly retries: number;
}

/** The addresses of the servers, `host:port`, by the names that `NODE_NAME` gives them: `s1`, `s2`, `s3`. */
export type ServerAddresses = Readonly<Record<string, string>>;
